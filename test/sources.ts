/** The repository's own files, for tests that hold rules about them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/** The repository. */
export const root = join(import.meta.dirname, '..')

const notOurs = new Set(['node_modules', 'build', '.git', '.cache'])

/** Every file below some folders of the repository, as paths from its root. */
export function filesBelow(...folders: readonly string[]): string[] {
  const files: string[] = []
  const walk = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory() && !notOurs.has(entry.name)) walk(path)
      else if (entry.isFile()) files.push(relative(root, path))
    }
  }
  for (const folder of folders) walk(join(root, folder))
  return files.sort()
}

/** A file's text, by its path from the root. */
export const textOf = (path: string): string => readFileSync(join(root, path), 'utf8')

const patterns = [
  // import x from 'y', import type, export ... from 'y'; may run over lines.
  /^\s*(?:import|export)\s[^'"`;]*?\sfrom\s*['"]([^'"$]+)['"]/gm,
  /^\s*import\s*['"]([^'"]+)['"]/gm,
  /\bimport\(\s*['"]([^'"$]+)['"]/g,
  // A worker or another program that is started by its file.
  /\bnew URL\(\s*['"](\.[^'"]+\.m?[jt]s)['"]\s*,\s*import\.meta\.url/g,
]

/** What a source imports, as it is written there. */
export const importsOf = (text: string): string[] => patterns.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1]!))

/** Whether a source imports by a name that is put together at run time. */
export const importsByVariable = (text: string): boolean => /\bimport\(\s*(?!['"\s])/.test(text)
