// Removes the native binaries of other platforms that onnxruntime-node ships in one package (about 200 MB on Linux).
// Runs after every install; needs nothing but bare Node; missing folders are fine.
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..', 'node_modules', 'onnxruntime-node', 'bin')
const isFolder = (path) => existsSync(path)

if (isFolder(root)) {
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
