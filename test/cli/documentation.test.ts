/**
 * The pages that are made from the command table: docs/commands is up to date, and mandoc does not complain about the
 * manual. And the command understands each line that a document shows.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { commandsOf } from '#cli/help.ts'
import { loadTree } from '#cli/load.ts'
import { manPages } from '#cli/man-page.ts'
import { markdownPages } from '#cli/markdown-page.ts'
import { longName } from '#cli/option.ts'
import { packageVersion } from '#cli/package-version.ts'
import { ansibleFiles } from '../../scripts/ansible/modules.ts'
import { filesBelow, textOf } from '../sources.ts'
import { runVpc } from './run-vpc.ts'
import { namedCommands, problemsOf, problemsOfName, shownLines, simpleCommands, type ShownLine } from './shown-commands.ts'
import { fileOf, scenes } from './shown-pages.ts'
import { unexecuted } from './unexecuted.ts'

const committed = fileURLToPath(new URL('../../docs/commands', import.meta.url))
const commands = commandsOf(await loadTree())
const shownIn = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md']

test('docs/commands is up to date; npm run docs writes it', async () => {
  const pages = await markdownPages('')
  assert.deepEqual(readdirSync(committed).toSorted(), pages.map(({ name }) => name).toSorted())
  for (const { name, text } of pages) assert.equal(readFileSync(join(committed, name), 'utf8'), text, name)
})

test('the files of the Ansible collection are up to date; npm run docs writes them', () => {
  for (const [path, text] of ansibleFiles(packageVersion())) assert.equal(textOf(`integrations/ansible/${path}`), text, path)
})

test('links between Markdown pages lead to a heading', async () => {
  const pages = new Map((await markdownPages('')).map(({ name, text }) => [name, text]))
  const headings = (text: string): string[] =>
    [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) => title!.toLowerCase().replaceAll(' ', '-'))
  for (const [name, text] of pages)
    for (const [, file, anchor] of text.matchAll(/\]\(([\w-]+\.md)?(?:#([\w-]+))?\)/g)) {
      const target = pages.get(file ?? name)
      assert.ok(target !== undefined, `${name} links to ${file}`)
      if (anchor !== undefined) assert.ok(headings(target).includes(anchor), `${name} links to ${file}#${anchor}`)
    }
})

test('links begin with the prefix that is asked for', async () => {
  for (const { text } of await markdownPages('/manual/')) assert.doesNotMatch(text, /\]\([a-z]+\.md/)
})

test('mandoc has nothing to say of the manual pages', () => {
  const directory = mkdtempSync(join(tmpdir(), 'vpc-man-'))
  try {
    const { code, stderr, stdout } = runVpc(['doc', 'man', '--json', '--man-dir', directory])
    assert.equal(code, 0, stderr)
    const { files } = JSON.parse(stdout) as { files: string[] }
    const lint = spawnSync('mandoc', ['-T', 'lint', '-W', 'style', ...files], { encoding: 'utf8', cwd: join(directory, 'man8') })
    assert.equal(lint.error, undefined, 'mandoc is not installed: apt-get install mandoc')
    // mandoc complains about missing pages that are not beside this one: it cannot look up uninstalled pages.
    assert.deepEqual([lint.status, lint.stdout, lint.stderr], [0, '', ''])
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('every command and option is in the manual and in the Markdown pages', async () => {
  const manual = (await manPages()).map(({ text }) => text.replaceAll('\\-', '-')).join('')
  const markdown = (await markdownPages('')).map(({ text }) => text).join('')
  for (const { path, options } of commands) {
    assert.ok(manual.includes(`.Cm ${path}\n`), `vpc ${path} in the manual`)
    assert.ok(markdown.includes(`(${path.split(' ')[0]}.md#vpc-${path.replaceAll(' ', '-')})`), `vpc ${path} in the Markdown index`)
    for (const [key, option] of Object.entries(options)) {
      assert.ok(manual.includes(`Fl -${longName(key, option)}`), `--${longName(key, option)} of vpc ${path} in the manual`)
      assert.ok(markdown.includes(`--${longName(key, option)}`), `--${longName(key, option)} of vpc ${path} in the Markdown pages`)
    }
  }
})

test('vpc understands each command that README.md and docs/ show or name', async () => {
  const wrong: string[] = []
  let seen = 0
  const note = (file: string, { line, text }: ShownLine, problems: readonly string[]): void => {
    seen++
    wrong.push(...problems.map((problem) => `${file}:${line}: ${text}: ${problem}`))
  }
  for (const file of [...shownIn, ...filesBelow('docs').filter((name) => name.endsWith('.md'))]) {
    // docs/commands shows usage lines, too, and they are not commands.
    const isGenerated = file.startsWith('docs/commands/')
    const document = isGenerated ? textOf(file).replaceAll(/^```\nvpc .*\n```$/gm, '\n\n') : textOf(file)
    for (const shown of shownLines(document)) note(file, shown, await problemsOf(shown.text))
    if (!isGenerated) for (const named of namedCommands(document)) note(file, named, await problemsOfName(named.text))
  }
  assert.ok(seen > 500, `${seen} commands`)
  assert.deepEqual(wrong, [])
})

test('every line that a document shows is executed by a test, or is listed with the reason', () => {
  const executed = new Set<string>()
  const others: { readonly at: string; readonly line: string }[] = []
  for (const file of [...shownIn, ...filesBelow('docs').filter((name) => /^docs\/[a-z-]+\.md$/.test(name))]) {
    const [, page] = /^(?:docs\/)?(.*)\.md$/.exec(file)!
    for (const { line, text, info } of shownLines(textOf(file))) {
      const [language, scene, how] = info!.split(' ')
      const plain = text.replace(/(^|\s+)#( .*|$)/, '').trim()
      if (plain === '' || (language !== 'sh' && (language === 'text' || !plain.startsWith('vpc ')))) continue
      if (scene === undefined) others.push({ at: `${file}:${line}`, line: plain })
      else {
        assert.ok(scenes[scene]?.pages.includes(page!), `${file}:${line}: no test executes what is for '${scene}'; see shown-pages.ts`)
        assert.ok([undefined, 'fails', 'stays'].includes(how), `${file}:${line}: ${info}`)
        executed.add(plain)
      }
    }
  }
  assert.ok(executed.size > 250, `${executed.size} lines`)
  const listed = unexecuted.flatMap(({ lines }) => lines)
  assert.deepEqual(
    others.filter(({ line }) => !executed.has(line) && !listed.includes(line)),
    [],
    'have a test execute it, or list it in unexecuted.ts',
  )
  const there = new Set(others.map(({ line }) => line))
  assert.deepEqual(
    listed.filter((line) => !there.has(line) || executed.has(line)),
    [],
    'unexecuted.ts lists what no document shows, or what a test executes',
  )
  for (const { test: name, pages } of Object.values(scenes)) {
    assert.match(textOf(name), /blocksOf|stepsOf|containers\.md/, name)
    for (const page of pages) assert.ok(textOf(fileOf(page)).includes('```sh '), page)
  }
})

test('what is wrong with a shown line is found', async () => {
  assert.deepEqual(simpleCommands(`A=1 vpc x 'a b' --y="c d" | tee f > g 2>&1 # no`), [
    ['vpc', 'x', 'a b', '--y=c d'],
    ['tee', 'f'],
  ])
  assert.deepEqual(shownLines('```sh\nvpc a \\\n  b\n```\n```\n$ vpc c\noutput\n```'), [
    { line: 2, text: 'vpc a  b', info: 'sh' },
    { line: 6, text: 'vpc c', info: '' },
  ])
  for (const [line, problem] of [
    ['vpc swich list', /no command 'swich'/],
    ['sudo vpc switch list --nothing', /no option --nothing/],
    ['vpc switch create --switch-id=$SW --vni=x', /--vni/],
    ['vpc lab exec h1 -- vpc switch port add', /needs --/],
    ['vpc exec -- sh -c "vpc list && vpc nothing"', /no command 'nothing'/],
    ['X=$(vpc list --nothing)', /no option --nothing/],
    ['vpc switch', /not a whole command/],
    ['vpc why a b c', /does not take 'c'/],
  ] as const)
    assert.match((await problemsOf(line)).join(), problem, line)
  for (const line of ['vpc switch create --switch-id=ID --vni=$VNI', 'cat vpc', 'vpc exec ls -l | vpc list'])
    assert.deepEqual(await problemsOf(line), [])
})

test('what the global options mean stands on the page of vpc itself, and on no other', () => {
  const helpOf = (...words: string[]): string => runVpc([...words, '--help'], { env: {} }).stdout
  assert.match(helpOf(), /^Global options:\n/m)
  for (const words of [['switch'], ['switch', 'port'], ['list']]) {
    assert.doesNotMatch(helpOf(...words), /^Global options:/m)
    assert.match(helpOf(...words), /^Every command also takes --help, --version, --json/m)
  }
})
