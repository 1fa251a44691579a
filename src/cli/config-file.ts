/**
 * Options of a command from a file: `--config FILE`, for services. The keys are names of options; what the command line
 * says holds instead.
 */
import { readFileSync } from 'node:fs'
import { fileProblem } from '#system/file-problem.ts'
import { isPlainObject } from '#wire/plain-object.ts'
import { givenOptions, type Takes } from './arguments.ts'
import { usageFailure } from './failure.ts'
import { globalOptions } from './global-options.ts'
import { flag, longName, text } from './option.ts'

/** The option of a command that only looks whether it could run, before a service is told to read its file again. */
export const checkOption = flag('read the options and what they name, say what is wrong, and start nothing')

/** The option of a command that reads such a file. */
export const configOption = text('YAML file with options of this command, by their names', 'FILE', 'file')

/**
 * The words of a command line, with those of its file before them. Throws a usage failure with the file, the line and
 * the key.
 */
export async function withConfigFile(command: Takes, args: readonly string[]): Promise<readonly string[]> {
  if (command.options['config'] === undefined) return args
  const given = givenOptions(command, args)
  const path = given.get('config')
  return typeof path === 'string' ? [...(await wordsOf(command, path, given)), ...args] : args
}

async function wordsOf(command: Takes, path: string, given: ReadonlyMap<string, unknown>): Promise<string[]> {
  const { YamlText } = await import('#system/yaml-text.ts')
  const yaml = new YamlText(read(path))
  if (yaml.problem !== undefined) throw usageFailure(`${path}, line ${yaml.problem.line}: ${yaml.problem.message}`)
  const content = yaml.value() ?? {}
  if (!isPlainObject(content)) throw usageFailure(`${path} is not a list of options of vpc ${command.path} and their values`)
  const known = new Map(Object.entries({ ...globalOptions, ...command.options }).map(([key, option]) => [longName(key, option), key]))
  return Object.entries(content).flatMap(([name, value]) => {
    const where = `${path}, line ${yaml.lineOf([name])}`
    const key = known.get(name)
    if (key === undefined || key === 'config')
      throw usageFailure(
        `${where}: vpc ${command.path} has no option '${name}'; they are ${[...known.keys()].filter((one) => one !== 'config').join(', ')}`,
      )
    if (given.has(key)) return []
    const words = wordsFor(name, value)
    if (words === undefined) throw usageFailure(`${where}: ${name} takes a word, a number, true or false, a list, or NAME: NUMBER pairs`)
    checked(command, words, where)
    return words
  })
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    throw usageFailure(`--config: ${path} ${code === 'ENOENT' ? 'does not exist' : `cannot be read: ${fileProblem(error)}`}`)
  }
}

/** `limit: { maxConnections: 10 }` is --limit=maxConnections=10, `table: [a=1, b=2]` is each of them. */
function wordsFor(name: string, value: unknown): string[] | undefined {
  if (isPlainObject(value)) return Object.entries(value).flatMap(([part, number]) => wordsFor(name, `${part}=${String(number)}`) ?? [])
  if (Array.isArray(value)) return value.flatMap((each) => wordsFor(name, each) ?? [])
  return ['string', 'number', 'boolean'].includes(typeof value) ? [`--${name}=${String(value)}`] : undefined
}

/** Have a problem of a value say where it is. */
function checked(command: Takes, words: readonly string[], where: string): void {
  try {
    givenOptions(command, words)
  } catch (error) {
    throw usageFailure(`${where}: ${(error as Error).message}`)
  }
}
