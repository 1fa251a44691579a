/**
 * Holds rules about the files themselves: their size, their beginning, their names, and no path of anybody's machine.
 */
import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { test } from 'node:test'
import { filesBelow, textOf } from './sources.ts'

const maxLines = 400
const code = filesBelow('src', 'bin', 'console', 'test', 'bench', 'scripts', 'bpf').filter((file) => /\.(tsx?|css|mjs|c|h)$/.test(file))
const isGenerated = (text: string): boolean => /generated/i.test(text.split('\n', 1)[0]!)

test(`no file is longer than ${maxLines} lines, but generated ones`, () => {
  const lines = (text: string): number => text.split('\n').length - 1
  const long = code.filter((file) => lines(textOf(file)) > maxLines && !isGenerated(textOf(file)))
  assert.deepEqual(long, [])
})

test('every source starts with a sentence that says what it is', () => {
  const sources = code.filter((file) => !file.endsWith('.test.ts') && !file.startsWith('src/cli/commands/'))
  const silent = sources.filter((file) => !/^(#!.*\n)?(':' )?(\/\* SPDX.*\*\/\n|\/\/ SPDX.*\n)?\s*(\/\*\*?|\/\/)\s/.test(textOf(file)))
  assert.deepEqual(silent, [])
})

test('files have names that say something, in kebab-case', () => {
  const vague = /^(utils?|helpers?|managers?|index|misc|common)\./
  // Stand-ins for headers of others have the names of those.
  const ours = code.filter((file) => !file.startsWith('test/fuzz/shadow/'))
  const wrong = ours.filter((file) => vague.test(basename(file)) || !/^[a-z0-9][a-z0-9.-]*$/.test(basename(file)))
  assert.deepEqual(wrong, [])
})

test('no file names a path of the machine that it was written on', () => {
  const path = new RegExp(`(?<![\\w.~$}/-])/(work|root|home)/`)
  const text = filesBelow('.').filter((file) => /\.(tsx?|css|html|mjs|c|h|md|json|ya?ml)$|^[^.]*$/.test(file))
  assert.deepEqual(
    text.filter((file) => path.test(textOf(file)) && file !== 'package-lock.json' && !file.startsWith('test/sources.test')),
    [],
  )
})

test('comments and documents have 120 columns at most', () => {
  const maxColumns = 120
  // Rows of a table, and columns that stand below each other, have a line each.
  const isComment = (line: string): boolean => /^\s*(\/\/|\/\*|\*(?! ?\|))/.test(line) && !/\S {3,}\S/.test(line)
  const long = code.flatMap((file) =>
    textOf(file)
      .split('\n')
      .flatMap((line, i) => (isComment(line) && line.length > maxColumns ? [`${file}:${i + 1}`] : [])),
  )
  // Tables have one row on each line, and fenced text is copied as it is.
  const documents = filesBelow('.').filter((file) => file.endsWith('.md') && !/^docs\/(commands\/|operations\.md)/.test(file))
  for (const file of documents) {
    let fenced = false
    for (const [i, line] of textOf(file).split('\n').entries()) {
      if (line.startsWith('```')) fenced = !fenced
      else if (!fenced && !line.startsWith('|') && line.length > maxColumns) long.push(`${file}:${i + 1}`)
    }
  }
  assert.deepEqual(long, [])
})

test('the programs write tables and send copies by the macros of trace.h, which a traced packet does not', () => {
  const direct = /\bbpf_(map_update_elem|map_delete_elem|clone_redirect)\(/
  const programs = filesBelow('bpf').filter((file) => file !== 'bpf/lib/trace.h' && !/^bpf\/(flows|nat)\.bpf\.c$/.test(file))
  assert.deepEqual(
    programs.filter((file) => direct.test(textOf(file))),
    [],
    'write put_entry, remove_entry or send_copy',
  )
})
