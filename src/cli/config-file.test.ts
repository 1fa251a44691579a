import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { parseArguments } from './arguments.ts'
import { configOption, withConfigFile } from './config-file.ts'
import { flag, integer, text } from './option.ts'

const command = {
  path: 'daemon',
  positionals: [],
  options: {
    config: configOption,
    runDir: text('where', 'DIR').default('/run/vpc'),
    limit: text('limits', 'NAME=NUMBER').repeated,
    port: integer('port', 'PORT', 1, 65_535),
    ownTls: flag('TLS'),
  },
}

suite('options of a file', () => {
  let directory: string
  before(() => void (directory = mkdtempSync(join(tmpdir(), 'vpc-config-'))))
  after(() => rmSync(directory, { recursive: true }))

  /** The values that a command gets with a file of this content. */
  async function optionsOf(content: string, ...args: string[]): Promise<Readonly<Record<string, unknown>>> {
    const path = join(directory, 'vpcd.yaml')
    writeFileSync(path, content)
    const { config, ...options } = parseArguments(command, await withConfigFile(command, [`--config=${path}`, ...args])).options
    assert.equal(config, path)
    return options
  }

  test('are those of the command line', async () => {
    const content = '# as root\nrun-dir: /run/other\nlimit: { a: 1, b: 2 }\nport: 7473\nown-tls: true\nlog-level: debug\n'
    assert.deepEqual(await optionsOf(content), { runDir: '/run/other', limit: ['a=1', 'b=2'], port: 7473, ownTls: true })
    assert.deepEqual(await optionsOf('limit: [a=1, b=2]'), { runDir: '/run/vpc', limit: ['a=1', 'b=2'], port: undefined, ownTls: false })
    assert.deepEqual(await optionsOf('# nothing\n'), { runDir: '/run/vpc', limit: [], port: undefined, ownTls: false })
  })

  test('give way to those of the command line', async () => {
    const options = await optionsOf('run-dir: /run/other\nown-tls: true\nlimit: [a=1]', '--run-dir=/run/third', '--own-tls=false')
    assert.deepEqual(options, { runDir: '/run/third', limit: ['a=1'], port: undefined, ownTls: false })
  })

  for (const [content, problem] of [
    ['run-dir: /a\nrun-dri: /b\n', /vpcd\.yaml, line 2: vpc daemon has no option 'run-dri'; they are .*run-dir/],
    ['port: 99999\n', /vpcd\.yaml, line 1: --port: '99999' is not a whole number from 1 to 65535/],
    ['port:\n', /vpcd\.yaml, line 1: port takes a word, a number, true or false/],
    ['config: /x\n', /line 1: vpc daemon has no option 'config'/],
    ['- a\n', /vpcd\.yaml is not a list of options of vpc daemon/],
    ['a: [\n', /vpcd\.yaml, line 2: /],
  ] as const)
    test(`refuse ${JSON.stringify(content)}`, async () => {
      await assert.rejects(optionsOf(content), problem)
    })

  test('need the file', async () => {
    await assert.rejects(withConfigFile(command, ['--config=/nowhere/vpcd.yaml']), /--config: \/nowhere\/vpcd\.yaml does not exist/)
  })
})
