/** Generated pages as files. */
import { mkdir, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

export interface Page {
  /** File name. */
  readonly name: string
  readonly text: string
}

/** With its parents. Node's own way never ends below /proc: there nothing can be made, although the parent exists. */
async function makeDirectory(path: string): Promise<void> {
  if (existsSync(path)) return
  const parent = dirname(path)
  if (parent !== path) await makeDirectory(parent)
  await mkdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
}

/** An error of writing does not say of which file. */
const writePage = (path: string, text: string): Promise<void> =>
  writeFile(path, text).catch((error: NodeJS.ErrnoException) => {
    throw Object.assign(error, { path })
  })

/** Write pages into a directory, which is created. Returns their paths. */
export async function writePages(directory: string, pages: readonly Page[]): Promise<string[]> {
  await makeDirectory(resolve(directory))
  await Promise.all(pages.map(({ name, text }) => writePage(join(directory, name), text)))
  return pages.map(({ name }) => join(directory, name))
}
