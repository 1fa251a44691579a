/** Where the API says what it does and what goes wrong: the log of the other programs has this form, too. */
import type { Log } from '#system/log.ts'

export type ApiLog = Pick<Log, 'info' | 'error'>
