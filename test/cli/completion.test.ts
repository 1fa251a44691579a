/** Completion as the shells do it: bash and fish are asked what they would offer, the script for zsh is read by zsh. */
import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { bashCompletion } from '#cli/completion-bash.ts'
import { completionModel } from '#cli/completion-model.ts'
import { fishCompletion } from '#cli/completion-fish.ts'
import { zshCompletion } from '#cli/completion-zsh.ts'
import { runVpc } from './run-vpc.ts'

const directory = mkdtempSync(join(tmpdir(), 'vpc-completion-'))
after(() => rmSync(directory, { recursive: true }))

// Stands for a vpc with two vmnics.
const id = '07f95a11-6788-2ae7-c306-ba95cff1db38'
const other = '17f95a11-6788-2ae7-c306-ba95cff1db38'
const listed = ` TYPE   ID                                    UNIT NAME  NAME  IN
 vmnic  ${id}  vmnic0     web   vpcp0
 vmnic  ${other}  vmnic1     -     -
  TOTAL                   2
`
mkdirSync(join(directory, 'bin'))
const cloud = ' NAME  ID     SUBNET\n web1  07f9…  web\n web2  17f9…  web\n -     27f9…  web\n'
writeFileSync(
  join(directory, 'bin/vpc'),
  `#!/bin/sh\n[ "$*" = 'list --obj-type vmnic' ] && cat <<'END'\n${listed}END\n[ "$*" = 'cloud vnic list' ] && cat <<'END'\n${cloud}END
[ "$*" = 'cloud vpc list' ] && echo 'vpc: the API at http://127.0.0.1:1 cannot be reached' >&2 && exit 3
[ "$*" = 'cloud account list' ] && exec sleep 60
true\n`,
)
chmodSync(join(directory, 'bin/vpc'), 0o755)
const env = { ...process.env, PATH: `${join(directory, 'bin')}:${process.env['PATH']}`, HOME: directory }

function shell(name: string, ...args: string[]): string {
  const { error, status, stdout, stderr } = spawnSync(name, args, { encoding: 'utf8', env })
  assert.equal(error, undefined, `${name} is not installed: apt-get install ${name}`)
  assert.deepEqual([status, stderr], [0, ''], `${name} ${args.join(' ')}`)
  return stdout
}

const bashScript = join(directory, 'vpc.bash')
writeFileSync(bashScript, await bashCompletion())
const zshScript = join(directory, '_vpc')
writeFileSync(zshScript, await zshCompletion())

/** What bash offers at the end of a line, broken into words as bash does. */
function bashOffers(line: string): string[] {
  const words = line.split(/ |(=)/).filter((word) => word !== undefined)
  const quoted = words.map((word) => `'${word}'`).join(' ')
  const code = `source ${bashScript}; complete -p vpc >/dev/null; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _vpc; printf '%s\\n' "\${COMPREPLY[@]}"`
  return shell('bash', '--norc', '-c', code).split('\n').filter(Boolean)
}

test('bash offers commands, by their names, through aliases', () => {
  assert.deepEqual(bashOffers('vpc sw'), ['switch'])
  assert.deepEqual(bashOffers('vpc sw po con'), ['connect'])
  assert.deepEqual(bashOffers('vpc switch port a'), ['add'])
  assert.deepEqual(bashOffers('vpc nic ge'), ['genmac', 'get'])
})

test('bash offers the options of the command, then the global ones', () => {
  assert.deepEqual(bashOffers('vpc switch create --s'), ['--switch-id', '--socket'])
  assert.deepEqual(bashOffers('vpc --us'), ['--use-color', '--use-pager'])
})

test('bash offers what an option takes', () => {
  assert.deepEqual(bashOffers('vpc vmnic get --vmnic-id '), ['web', 'vmnic0', id, 'vmnic1', other])
  assert.deepEqual(bashOffers('vpc vmnic get -N 1'), [other])
  assert.deepEqual(bashOffers('vpc vmnic get --vmnic-id=0'), [id])
  assert.deepEqual(bashOffers('vpc vmnic get --vmnic-id='), ['web', 'vmnic0', id, 'vmnic1', other])
  assert.deepEqual(bashOffers('vpc vmnic get --vmnic-id w'), ['web'])
  assert.deepEqual(bashOffers('vpc list --sort-by '), ['id', 'name'])
  assert.deepEqual(bashOffers('vpc list -F j'), ['json'])
  assert.deepEqual(bashOffers('vpc switch create --vni '), [])
  assert.ok(bashOffers('vpc ethlink connect --l2-name l').includes('lo'))
  assert.deepEqual(bashOffers(`vpc lab up ${directory}/vpc.b`), [bashScript])
})

test('bash offers names of the cloud, with and without the word cloud, and none when it cannot be asked', () => {
  assert.deepEqual(bashOffers('vpc vnic get w'), ['web1', 'web2'])
  assert.deepEqual(bashOffers('vpc cloud vnic destroy web2'), ['web2'])
  assert.deepEqual(bashOffers('vpc vnic create w'), [])
  assert.deepEqual(bashOffers('vpc cloud subnet get w'), [])
  assert.ok(bashOffers('vpc vn').includes('vnic'))
  assert.deepEqual(bashOffers('vpc events --vnic=web1'), ['web1'])
  assert.deepEqual(bashOffers('vpc cloud floating-ip set f --target '), [])
})

test('bash offers every command', async () => {
  const { steps } = await completionModel()
  const groups = Map.groupBy(steps, ({ from }) => from)
  const lines = [...groups.keys()].map((path) => `_vpc_words '${path}'`).join('; echo; ')
  const offered = shell('bash', '--norc', '-c', `source ${bashScript}; ${lines}`)
  for (const { words } of steps) assert.ok(offered.split(/\s+/).includes(words[0]!), words[0]!)
})

test('fish offers the same', async () => {
  const script = join(directory, 'vpc.fish')
  writeFileSync(script, await fishCompletion())
  shell('fish', '--no-execute', script)
  const offers = (line: string): string[] =>
    shell('fish', '--no-config', '-c', `source ${script}; complete -C '${line}'`)
      .split('\n')
      .filter(Boolean)
      .map((each) => each.split('\t')[0]!)
  assert.deepEqual(offers('vpc sw po con'), ['connect'])
  assert.deepEqual(offers('vpc switch create --sw'), ['--switch-id'])
  assert.deepEqual(offers('vpc vmnic get --vmnic-id 1'), [other])
  assert.deepEqual(offers('vpc list --sort-by '), ['id', 'name'])
  assert.deepEqual(offers('vpc switch create --vni '), [])
  assert.deepEqual(offers('vpc vnic get w'), ['web1', 'web2'])
  assert.deepEqual(offers('vpc events --vnic w'), ['web1', 'web2'])
  assert.ok(offers(`vpc lab up ${directory}/vpc.b`).includes(bashScript))
})

test('zsh can read its script', () => {
  shell('zsh', '-f', '-n', zshScript)
})

/** A shell on a terminal, as people have it. */
class Terminal implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams
  /** What stands on it. */
  text = ''

  constructor(line: string) {
    this.#child = spawn('script', ['-qefc', line, '/dev/null'], { env: { ...env, TERM: 'dumb', PS1: '', PROMPT: '' } })
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => void (this.text += text))
  }

  /** Type, and wait until something new stands there. */
  async type(keys: string, shown: RegExp): Promise<string> {
    const from = this.text.length
    this.#child.stdin.write(keys)
    const end = performance.now() + 30_000
    while (!shown.test(this.text.slice(from))) {
      assert.ok(performance.now() < end, `${JSON.stringify(keys)} did not show ${shown}: ${JSON.stringify(this.text.slice(from))}`)
      await sleep(10)
    }
    return this.text.slice(from)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}

suite('the Tab key', { concurrency: true }, () => {
  for (const [line, begin] of [
    ['bash --norc --noprofile -i', `source ${bashScript}`],
    ['zsh -f -i', `autoload -Uz compinit; compinit -u -D; source ${zshScript}`],
  ] as const)
    test(`in ${line}: names, of options too; silence from a cloud that is away, and from one that hangs`, async () => {
      await using terminal = new Terminal(line)
      await terminal.type(`${begin}; echo rea''dy\n`, /ready\r/)
      await terminal.type('vpc vnic get we\t', /get we[^a-z]*b/)
      await terminal.type('\t\t', /web1 +web2/)
      await terminal.type('1\u0015vpc events --vnic=we\t', /vnic=we[^a-z]*b/)
      await terminal.type(`2\u0015vpc vpc get x\t\u0015echo aft''er\n`, /after\r/)
      await terminal.type(`vpc account get x\t\u0015echo la''ter\n`, /later\r/)
      assert.doesNotMatch(terminal.text, /cannot be reached|sleep|Terminated|Traceback/)
    })
})

test('the commands print or write the scripts', () => {
  const made = { bash: 'vpc', zsh: '_vpc', fish: 'vpc.fish' }
  for (const [name, file] of Object.entries(made)) {
    const printed = runVpc(['shell', 'autocomplete', name])
    assert.match(printed.stdout, new RegExp(`made by: vpc shell autocomplete ${name}`))
    const written = runVpc(['shell', 'autocomplete', name, '--dir', join(directory, name), '--json'])
    assert.deepEqual(JSON.parse(written.stdout), { changed: true, files: [join(directory, name, file)] })
  }
})
