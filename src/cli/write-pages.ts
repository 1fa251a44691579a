/** Generated pages as files. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface Page {
  /** File name. */
  readonly name: string
  readonly text: string
}

/** Write pages into a directory, which is created. Returns their paths. */
export async function writePages(directory: string, pages: readonly Page[]): Promise<string[]> {
  await mkdir(directory, { recursive: true })
  await Promise.all(pages.map(({ name, text }) => writeFile(join(directory, name), text)))
  return pages.map(({ name }) => join(directory, name))
}
