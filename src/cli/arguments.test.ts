/** Arguments: every way to write an option, and every way to write it wrongly. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseArguments, type Takes } from './arguments.ts'
import { Failure } from './failure.ts'
import { idOf, ipOption, vniOption } from './kinds.ts'
import { flag, integer } from './option.ts'

const takes: Takes = {
  path: 'thing set',
  positionals: [],
  options: {
    switchId: idOf('vpcsw', 'the switch').required,
    vni: vniOption('the VNI').short('n'),
    queues: integer('queues', 'N', 1, 8).short('q').default(1),
    address: ipOption('an address').repeated,
    up: flag('up').short('u'),
    extra: flag('extra').short('x'),
  },
}
const id = 'da64c3f3-095d-91e5-df01-5aabcfc52468'

const options = (...args: string[]): Record<string, unknown> => ({ ...parseArguments(takes, ['--switch-id', id, ...args]).options })

function refusal(args: string[], command = takes): string {
  try {
    parseArguments(command, args)
  } catch (error) {
    assert.ok(error instanceof Failure)
    assert.equal(error.kind, 'usage')
    return error.message
  }
  assert.fail(`${args.join(' ')} was taken`)
}

test('what is not given has its default', () => {
  assert.deepEqual(options(), { switchId: id, vni: undefined, queues: 1, address: [], up: false, extra: false })
})

test('values stand after a space, an equals sign or the letter', () => {
  for (const args of [['--vni', '5'], ['--vni=5'], ['-n', '5'], ['-n5'], ['-n=5']]) assert.equal(options(...args)['vni'], 5, args.join(' '))
})

test('letters of flags stand together', () => {
  const { up, extra, vni } = options('-uxn5')
  assert.deepEqual([up, extra, vni], [true, true, 5])
})

test('a flag is taken back with =false', () => {
  assert.equal(options('--up=false')['up'], false)
  assert.equal(options('-u=false')['up'], false)
  assert.equal(options('--up=true')['up'], true)
  assert.match(refusal(['--up=yes']), /^--up: 'yes' is neither true nor false/)
})

test('what may be repeated is kept in order', () => {
  assert.deepEqual(options('--address=10.0.0.1', '--address', 'fd00::1')['address'], ['10.0.0.1', 'fd00::1'])
})

test('global options may stand anywhere after the command', () => {
  const { global } = parseArguments(takes, ['--json', '-l', 'DEBUG', '--switch-id', id, '-Z', '-C'])
  assert.deepEqual([global.json, global.logLevel, global.utc, global.useColor, global.usePager], [true, 'debug', true, true, false])
})

test('an option that is missing is named', () => {
  assert.equal(refusal([]), 'thing set needs --switch-id; vpc list shows what there is, vpc thing set --help how to say it')
  const two = { ...takes, options: { ...takes.options, vni: vniOption('').required } }
  assert.equal(refusal([], two), 'thing set needs --switch-id and --vni; vpc list shows what there is, vpc thing set --help how to say it')
})

test('the way out of a missing option is its own', () => {
  const own = { ...takes, options: { switchId: idOf('vpcsw', '').required.orElse(() => 'choose one') } }
  assert.equal(refusal([], own), 'thing set needs --switch-id; choose one')
})

test('an unknown option gets the nearest proposed', () => {
  assert.equal(refusal(['--swich-id', id]), 'thing set has no option --swich-id; did you mean --switch-id?')
  assert.equal(refusal(['--frobnicate']), 'thing set has no option --frobnicate; see vpc thing set --help')
  assert.match(refusal(['-w']), /^thing set has no option -w; /)
  const apply: Takes = { path: 'thing apply', options: {}, positionals: [{ name: 'FILE', help: '' }] }
  for (const flag of ['-f', '--file'])
    assert.equal(refusal([flag, 'x'], apply), `thing apply takes the file without ${flag}: vpc thing apply FILE`)
})

test('an option without its value is not given the next option for one', () => {
  assert.equal(refusal(['--switch-id', '--vni', '5']), '--switch-id needs a value: ID (see vpc thing set --help)')
  assert.equal(refusal(['--vni']), '--vni needs a value: VNI (see vpc thing set --help)')
})

test('two values for one option are refused, unless they are the same', () => {
  assert.equal(refusal(['--switch-id', id, '--vni=1', '-n2']), '--vni is given twice, with different values')
  assert.equal(options('--vni=1', '-n1')['vni'], 1)
})

test('an id that may be left out may be a word, too', () => {
  const list: Takes = { path: 'switch port list', options: { switchId: idOf('vpcsw', 'of this switch').word }, positionals: [] }
  assert.equal(parseArguments(list, []).options['switchId'], undefined)
  assert.equal(parseArguments(list, [id]).options['switchId'], id)
  assert.equal(refusal([id, 'there'], list), "switch port list does not take 'there'; vpc switch port get there shows one")
})

test('words that no argument is for are refused', () => {
  const listen: Takes = { path: 'mux listen', options: { listenAddr: vniOption('').required }, positionals: [] }
  assert.equal(refusal(['192.0.2.1'], listen), 'mux listen needs --listen-addr; write --listen-addr=192.0.2.1')
  assert.equal(refusal(['--switch-id', id, 'there']), "thing set does not take 'there'; see vpc thing set --help")
})

test('arguments without a flag', () => {
  const exec: Takes = {
    path: 'lab exec',
    options: {},
    positionals: [
      { name: 'GUEST', help: 'where' },
      { name: 'COMMAND', help: 'what', isRest: true },
    ],
  }
  assert.deepEqual(parseArguments(exec, ['red1', '--json', '--', 'ping', '-c', '3', '--json']).rest, ['red1', 'ping', '-c', '3', '--json'])
  assert.equal(parseArguments(exec, ['red1', '--', 'ls', '--json']).global.json, false)
  const needy = { ...exec, options: { vni: vniOption('').required } }
  assert.equal(refusal(['red1', '--', 'ping', '10.0.0.1'], needy), 'lab exec needs --vni; see vpc lab exec --help')
  assert.equal(refusal(['red1'], exec), 'lab exec needs COMMAND: what; see vpc lab exec --help')
})
