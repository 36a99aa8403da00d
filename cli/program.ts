/**
 * The verbs of `mendline`. Each is a thin call: server verbs read the configuration and start the platform, the others speak to a
 * running server over its HTTP API. Exit codes: 0 done, 1 failure, 2 wrong use or configuration.
 */
import { Command, CommanderError } from 'commander'
import { version } from '../version.ts'
import { apiVerbs } from './api-verbs.ts'
import { authorityVerbs } from './authority.ts'
import { cycleVerb } from './cycles.ts'
import { databaseVerbs } from './database.ts'
import { doctorVerb } from './doctor.ts'
import { emergencyVerbs } from './emergencies.ts'
import { exitCodeOf, messageOf } from './exit.ts'
import { fileVerbs } from './files.ts'
import { eraseVerb, guardVerbs } from './guard.ts'
import { initVerb } from './init.ts'
import { mappingVerbs } from './mapping.ts'
import { modelVerbs } from './models.ts'
import { opcuaVerbs } from './opcua.ts'
import { replayVerb } from './replay.ts'
import { ruleVerbs } from './rules.ts'
import { serverVerbs } from './serve.ts'
import { simulateVerb } from './simulate.ts'
import { webhookVerbs } from './webhooks.ts'

/** Builds the program with all verbs. */
function createProgram(): Command {
  const program = new Command('mendline').description('Telemetry and predictive service for home appliances').version(version)
  program.enablePositionalOptions().exitOverride().showHelpAfterError('(see mendline --help)')
  const all = [
    serverVerbs,
    guardVerbs,
    eraseVerb,
    initVerb,
    authorityVerbs,
    doctorVerb,
    apiVerbs,
    webhookVerbs,
    emergencyVerbs,
    cycleVerb,
    simulateVerb,
    replayVerb,
    mappingVerbs,
    modelVerbs,
    opcuaVerbs,
    fileVerbs,
    ruleVerbs,
    databaseVerbs,
  ]
  for (const add of all) add(program)
  for (const command of program.commands) {
    command.exitOverride()
    for (const below of command.commands) below.exitOverride()
  }
  return program
}

/** Runs the verb of the command line. */
export async function runProgram(): Promise<void> {
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
}
