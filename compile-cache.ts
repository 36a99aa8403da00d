/**
 * Keeps what V8 compiled of the sources on disk, so that a restart need not strip and compile some hundred files again. Node writes its
 * cache at a clean exit only; `flushCompiled` writes it at once, for a server that may be killed. Without a writable folder nothing is kept.
 */
import { enableCompileCache, flushCompileCache } from 'node:module'
import { join } from 'node:path'

/** Switches the cache on for what is imported from now on, here and in worker threads. */
export function useCompileCache(): void {
  // Beside the packages and not in a shared temporary folder: whoever writes the cache writes the program.
  const { directory } = enableCompileCache(join(import.meta.dirname, 'node_modules', '.cache', 'mendline'))
  // biome-ignore lint/style/noProcessEnv: written for Node, not read: the only way in which workers take the cache over
  if (directory !== undefined) process.env.NODE_COMPILE_CACHE ??= directory
}

export const flushCompiled = flushCompileCache
