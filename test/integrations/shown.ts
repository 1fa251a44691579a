/** Commands and files that docs/containers.md shows: the tests with container runtimes run these lines. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'

const page = readFileSync(new URL('../../docs/containers.md', import.meta.url), 'utf8')

function section(title: string): string {
  const found = page.split(/^## /m).find((each) => each.startsWith(`${title}\n`))
  return found ?? assert.fail(`docs/containers.md has no section ${title}`)
}

/** The lines of a program in a section, as the words after its name. */
export const shownCommands = (title: string, program: string): string[][] =>
  section(title)
    .split('\n')
    .filter((line) => line.startsWith(`${program} `))
    .map((line) => line.split(/ +/).slice(1))

/** The lines of a configuration in a section: those that begin with a word. */
export const shownLines = (title: string, start: string): string[] =>
  section(title)
    .split('\n')
    .filter((line) => line.startsWith(start))
