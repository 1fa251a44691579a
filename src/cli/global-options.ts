/** The options that every command takes. */
import { choice, flag, text, toggle, type OptionValues } from './option.ts'

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

export const globalOptions = {
  help: flag('show what the command does and takes').short('h'),
  version: flag('show the version').short('v'),
  json: flag('print results, and errors, as JSON'),
  socket: text('socket of vpcd', 'PATH', 'file').defaultsTo('VPC_SOCKET, else /run/vpc/vpcd.sock'),
  logLevel: choice('lowest level of the log lines on standard error', logLevels).short('l').foldingCase.default('info', 'INFO'),
  logFormat: choice('form of the log lines: auto is human on a terminal, else json', ['auto', 'json', 'human']).short('F').default('auto'),
  useColor: toggle('colour the output, or do not with --use-color=false').short('C').defaultsTo('when it goes to a terminal'),
  usePager: flag('page the output through $PAGER, or less, when it goes to a terminal').short('P'),
  utc: flag('show times in UTC').short('Z'),
} as const

export type GlobalValues = OptionValues<typeof globalOptions>
