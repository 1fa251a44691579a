/** Options that name a file with the text of a value. */
import { readFileSync } from 'node:fs'
import { fileProblem } from '#system/file-problem.ts'
import { failure, type Result } from '#wire/result.ts'

/** Reads the file that an option names. `words` are not names of files: the parser gets them. */
export const ofFile =
  (parse: (text: string) => Result<unknown>, words: readonly string[] = []) =>
  (path: string): Result<unknown> => {
    if (words.includes(path)) return parse(path)
    try {
      return parse(readFileSync(path, 'utf8'))
    } catch (error) {
      return failure(`cannot read '${path}': ${fileProblem(error)}`)
    }
  }

/** The text of a file that an argument names; `-` is standard input. An error of a read names the file, too. */
export function readGivenFile(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8')
  } catch (error) {
    throw Object.assign(error as NodeJS.ErrnoException, path === '-' ? {} : { path })
  }
}
