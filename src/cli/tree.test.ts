/** The command table as a whole: what must hold of every command. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { idTypeCode, parseId } from '#abi/id.ts'
import { typeNameOf, unitTypes } from '#abi/object-type.ts'
import { globalOptions } from './global-options.ts'
import { commandHelp, commandsOf, groupHelp } from './help.ts'
import { commandFile, isResourceCommand, loadTree } from './load.ts'
import { longName } from './option.ts'
import { parseArguments } from './arguments.ts'
import { resolve } from './resolve.ts'
import { plain } from './style.ts'
import { isGroup } from './tree.ts'

const entries = await loadTree()
const commands = commandsOf(entries)

test('the files are the commands, but those of resources, which are made from tables', () => {
  const directory = fileURLToPath(new URL('commands', import.meta.url))
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => `${directory}/${name}`)
  const wanted = entries
    .filter(({ command, path }) => command && !isResourceCommand(path))
    .map(({ path }) => fileURLToPath(commandFile(path)))
  assert.deepEqual(files.toSorted(), wanted.toSorted())
})

test('every command says its own path and a summary', () => {
  for (const { path, command } of entries) {
    if (command === undefined) continue
    assert.equal(command.path, path.join(' '))
    assert.match(command.summary, /^[a-z].*[^.]$/, command.path)
  }
})

test('every type of object has a command that generates an id for it', async () => {
  const made: string[] = []
  for (const group of ['switch', 'switch port', 'mux', 'vmnic', 'hostif', 'ethlink', 'subnet', 'router', 'nat', 'group', 'address-set']) {
    const { path } = resolve([...group.split(' '), 'genid'])
    const { command } = entries.find((entry) => entry.path.join(' ') === path.join(' '))!
    let said: unknown
    const output = { result: (value: unknown) => void (said = value) }
    await command!.run({}, { output } as never, [])
    const { id, mac } = said as { id: string; mac: string }
    const read = parseId(id)
    assert.ok(read.ok, id)
    assert.equal(mac.replaceAll(':', ''), id.slice(-12))
    made.push(typeNameOf(idTypeCode(read.id))!)
  }
  assert.deepEqual(made.toSorted(), [...unitTypes].toSorted())
})

test('every group has a summary', () => {
  for (const { path, node } of entries) if (isGroup(node)) assert.ok(node.summary.length > 0, path.join(' '))
})

test('names and aliases of one group are different words', () => {
  for (const { path, node } of entries) {
    if (!isGroup(node)) continue
    const words = Object.entries(node.children).flatMap(([name, child]) => [name, ...child.aliases])
    assert.deepEqual([...new Set(words)], words, path.join(' '))
  }
})

test('every option is documented, and a phrase', () => {
  for (const { path, options } of commands)
    for (const [key, { spec }] of Object.entries(options)) {
      assert.ok(spec.help.length > 0 && !spec.help.endsWith('.'), `${path} ${key}: ${spec.help}`)
      assert.equal(spec.placeholder === '', false, `${path} ${key}`)
    }
})

test('no two options of a command have the same letter or name, the global ones included', () => {
  for (const { path, options } of commands) {
    const all = Object.entries({ ...globalOptions, ...options })
    assert.equal(all.length, Object.keys(globalOptions).length + Object.keys(options).length, path)
    const letters = all.flatMap(([, { spec }]) => (spec.short ? [spec.short] : []))
    assert.deepEqual([...new Set(letters)], letters, path)
    const names = all.map(([key, option]) => longName(key, option))
    assert.deepEqual([...new Set(names)], names, path)
    for (const letter of letters) assert.equal(letter.length, 1, path)
  }
})

test('every example is a command line that is taken', () => {
  for (const { path, examples } of commands)
    for (const { line } of examples) {
      const [, ownLine] = /^vpc (.*)$/s.exec(line.replaceAll('\\\n', ' ').split(/ [|&>]+ /)[0]!) ?? []
      if (ownLine === undefined) continue
      const words = ownLine.match(/('[^']*'|[^\s'])+/g)!.map((word) => word.replaceAll("'", ''))
      const { path: found, rest } = resolve(words)
      const command = commands.find((each) => each.path === found.join(' '))
      assert.ok(command, `${path}: ${line}`)
      parseArguments(command, rest)
    }
})

/** Long names and letters of the original's flags. */
const original = {
  list: ['c obj-counts', 's sort-by', 't obj-type'],
  'switch create': ['switch-id', 'vni'],
  'switch destroy': ['switch-id'],
  'switch list': ['s sort-by'],
  'switch port add': ['switch-id', 'port-id', 'u uplink', 'l2-name', 'ethlink-id'],
  'switch port connect': ['port-id', 'I interface-id'],
  'switch port disconnect': ['port-id', 'I interface-id'],
  'switch port remove': ['switch-id', 'port-id'],
  'switch port set': ['port-id', 'n vni', 'vlan'],
  'switch port uplink': ['switch-id', 'port-id'],
  'vmnic create': ['N vmnic-id', 'm mac'],
  'vmnic destroy': ['N vmnic-id'],
  'vmnic get': ['N vmnic-id', 'n num-queues'],
  'vmnic set': ['N vmnic-id', 'n num-queues', 'E freeze', 'unfreeze', 'mtu'],
  'hostif create': ['H hostif-id'],
  'hostif destroy': ['H hostif-id'],
  'ethlink create': ['E ethlink-id'],
  'ethlink destroy': ['E ethlink-id'],
  'ethlink list': ['s sort-by'],
  'ethlink connect': ['E ethlink-id', 'n l2-name'],
  'ethlink vtag': ['E ethlink-id', 'g get-vtag', 's set-vtag'],
  'mux create': ['M mux-id'],
  'mux destroy': ['M mux-id'],
  'mux connect': ['M mux-id', 'I interface-id'],
  'mux disconnect': ['M mux-id', 'I interface-id'],
  'mux listen': ['M mux-id', 'listen-addr'],
  'mux show': ['M mux-id'],
  'doc man': ['m man-dir'],
  'doc md': ['d dir', 'url-prefix'],
  'shell autocomplete bash': ['d dir'],
}

test('the flags of the original are there, with their letters', () => {
  for (const [path, flags] of Object.entries(original)) {
    const command = commands.find((each) => each.path === path)!
    const own = Object.entries(command.options).map(([key, option]) => [option.spec.short, longName(key, option)].filter(Boolean).join(' '))
    for (const flag of flags) assert.ok(own.includes(flag), `${path} lacks ${flag}; it has ${own.join(', ')}`)
  }
  const global = Object.entries(globalOptions).map(([key, option]) => [option.spec.short, longName(key, option)].filter(Boolean).join(' '))
  for (const flag of ['l log-level', 'F log-format', 'C use-color', 'P use-pager', 'Z utc']) assert.ok(global.includes(flag), flag)
})

test('help of every command and group can be made, and is not too wide', async () => {
  for (const { path, node, command } of entries) {
    const help = isGroup(node) ? await groupHelp(node, path, plain) : commandHelp(command!, plain)
    const lines = help.split('\n')
    const examples = lines.indexOf('Examples:')
    for (const line of examples < 0 ? lines : lines.slice(0, examples)) assert.ok(line.length <= 110, `${path.join(' ')}: ${line}`)
    assert.doesNotMatch(help, /undefined|\[object/)
  }
})
