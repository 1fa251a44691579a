/** What a YAML document of a request has in it. */
import { YamlText } from '#system/yaml-text.ts'
import { isShallow } from './body.ts'

/** A value, or why there is none. */
export type YamlRead = { readonly value: unknown } | { readonly problem: string }

/** Levels of lists and maps that a document may have. */
export const maxDepth = 12

/** Read it at once. It may take the square of what the text is long: a text of a stranger belongs into a thread. */
export function readYaml(text: string): YamlRead {
  const yaml = new YamlText(text)
  if (yaml.problem !== undefined) return { problem: `line ${yaml.problem.line}: ${yaml.problem.sentence}` }
  try {
    const value = yaml.value()
    return isShallow(value, maxDepth) ? { value } : { problem: 'the document is nested too deeply' }
  } catch (error) {
    return { problem: `the document is not to be used: ${(error as Error).message.slice(0, 200)}` }
  }
}
