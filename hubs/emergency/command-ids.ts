/**
 * Ids of safe-state commands: the emergency's own at first, and one with a number behind it each time that the danger came back after it was
 * over. A device means each id once, so that the old one would move nothing; and an old answer does not count for the new command.
 */
import type { EmergencyBookRow } from './emergency-tables.ts'

/** Id of the command that an emergency waits for. */
export const commandIdOf = ({ emergency_id, command_round }: Pick<EmergencyBookRow, 'emergency_id' | 'command_round'>): string =>
  command_round === 0 ? emergency_id : `${emergency_id}_${command_round + 1}`

/** Id of the emergency that a command is of. */
export const emergencyOfCommand = (commandId: string): string => /^(em_[0-9a-f]+)_[0-9]+$/.exec(commandId)?.[1] ?? commandId
