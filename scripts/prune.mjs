// Removes what no run needs: native binaries of other platforms that onnxruntime-node ships in one package, and the C headers and
// documents beside the pinned Node. Runs after every install; needs nothing but bare Node; missing folders are fine.
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..', 'node_modules', 'onnxruntime-node', 'bin')

if (existsSync(root)) {
  for (const napi of readdirSync(root)) {
    const napiDir = join(root, napi)
    for (const platform of readdirSync(napiDir)) {
      if (platform !== process.platform) {
        rmSync(join(napiDir, platform), { recursive: true, force: true })
        continue
      }
      for (const arch of readdirSync(join(napiDir, platform))) {
        if (arch !== process.arch) rmSync(join(napiDir, platform, arch), { recursive: true, force: true })
      }
    }
  }
}

const pinnedNode = join(import.meta.dirname, '..', 'node_modules', 'node', 'node_modules')
if (existsSync(pinnedNode)) {
  for (const name of readdirSync(pinnedNode).filter((entry) => entry.startsWith('node-'))) {
    for (const folder of ['include', 'share']) rmSync(join(pinnedNode, name, folder), { recursive: true, force: true })
  }
}
