/** Bodies of requests from files in JSON or YAML, with the line of each of their fields. */
import { readFileSync } from 'node:fs'
import { usageFailure } from '../failure.ts'

export interface BodyFile {
  readonly body: Readonly<Record<string, unknown>>
  /** `FILE, line N`, for a JSON Pointer. */
  readonly lineOf?: (pointer: string) => string
}

export const noFile: BodyFile = { body: {} }

/** Read a file; `-` is standard input. Throws a usage failure with the line, or when it is not what it should be. */
export async function readBodyFile(path: string, what: string): Promise<BodyFile> {
  const { YamlText } = await import('#system/yaml-text.ts')
  const name = path === '-' ? 'standard input' : path
  const text = readFileSync(path === '-' ? 0 : path, 'utf8')
  let parsed: InstanceType<typeof YamlText> | undefined
  const yaml = (): InstanceType<typeof YamlText> => (parsed ??= new YamlText(text))
  const body = readJson(text) ?? readYaml(name, yaml())
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw usageFailure(`${name} is not ${what}`)
  return {
    body: body as Readonly<Record<string, unknown>>,
    lineOf: (pointer) => `${name}, line ${yaml().lineOf(stepsOf(pointer))}`,
  }
}

/** JSON is read ten times as fast; a JSON that is wrong gets its line from the reader of YAML. */
function readJson(text: string): unknown {
  if (!text.trimStart().startsWith('{')) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function readYaml(
  name: string,
  yaml: { readonly problem: { readonly line: number; readonly message: string } | undefined; value(): unknown },
): unknown {
  if (yaml.problem !== undefined) throw usageFailure(`${name}, line ${yaml.problem.line}: ${yaml.problem.message}`)
  return yaml.value()
}

const stepsOf = (pointer: string): (string | number)[] =>
  pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step))
