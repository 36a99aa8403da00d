#!/usr/bin/env node
/**
 * The verbs of `mendline`. Each is a thin call: server verbs read the configuration and start the platform, the others speak to a
 * running server over its HTTP API. Exit codes: 0 done, 1 failure, 2 wrong use or configuration.
 */
import { Command, CommanderError } from 'commander'
import { apiVerbs } from './cli/api-verbs.ts'
import { databaseVerbs } from './cli/database.ts'
import { doctorVerb } from './cli/doctor.ts'
import { exitCodeOf, messageOf } from './cli/exit.ts'
import { initVerb } from './cli/init.ts'
import { replayVerb } from './cli/replay.ts'
import { serverVerbs } from './cli/serve.ts'
import { simulateVerb } from './cli/simulate.ts'
import { version } from './version.ts'

/** Builds the program with all verbs. */
function createProgram(): Command {
  const program = new Command('mendline').description('Telemetry and predictive service for home appliances').version(version)
  program.exitOverride().showHelpAfterError('(see mendline --help)')
  for (const add of [serverVerbs, initVerb, doctorVerb, apiVerbs, simulateVerb, replayVerb, databaseVerbs]) add(program)
  for (const command of program.commands) {
    command.exitOverride()
    for (const below of command.commands) below.exitOverride()
  }
  return program
}

try {
  await createProgram().parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else {
    console.error(messageOf(error))
    // A part that started before the failure may hold the loop open.
    process.exit(exitCodeOf(error))
  }
}
