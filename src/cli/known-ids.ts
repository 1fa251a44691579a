/** The options of a command with ids in place of names. */
import type { Context } from './command.ts'
import { lookUp, UnknownName } from './given-name.ts'

type Values = Readonly<Record<string, unknown>>

/** Undefined: what the command shall remove is not there, and it has said so. Throws a Failure for other names. */
export async function withIds(
  path: string,
  options: Values,
  { vpc, output }: Pick<Context, 'vpc' | 'output'>,
): Promise<Values | undefined> {
  try {
    return await lookUp(options, async () => (await vpc()).mgmt())
  } catch (error) {
    if (!(error instanceof UnknownName) || !/ (destroy|remove)$/.test(path)) throw error
    const { alreadySo } = await import('./outcome.ts')
    alreadySo(output, error.message.split('; ')[0]!)
    return undefined
  }
}
