#!/usr/bin/env node
/** The command `mendline`. The verbs stand in `cli/program.ts`, imported behind the compile cache so that it covers all of them. */
import { useCompileCache } from './compile-cache.ts'

useCompileCache()
const { runProgram } = await import('./cli/program.ts')
await runProgram()
