/**
 * Settings are declared once: each survives all of its forms, is in the documents, and no file that follows from the
 * declaration names it.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { execFileSync } from 'node:child_process'
import { cHeader } from '#abi/c-header.ts'
import { operations } from '#abi/command.ts'
import { unitTypes } from '#abi/object-type.ts'
import { reasonsPage } from '#cli/drop-reason.ts'
import { operationsPage } from '#abi/operations-page.ts'
import { keyOf, operationNames, settingsOf } from '#abi/settings.ts'
import { types } from '#object/type/types.ts'
import { filesBelow, textOf } from './sources.ts'

const all = unitTypes.flatMap((type) => settingsOf(type).map(([name, setting]) => ({ type, name, setting })))

suite('a setting', () => {
  test('is what it was after a way through JSON and through bytes', () => {
    for (const { type, name, setting } of all) {
      const { kind, initial } = setting
      assert.deepEqual(kind.fromJson(JSON.parse(JSON.stringify(kind.toJson(initial)))), { ok: true, value: initial }, `${type} ${name}`)
      if (setting.set !== undefined)
        assert.deepEqual(kind.codec!.decode(kind.codec!.encode(initial)), { ok: true, value: initial }, `${type} ${name}`)
    }
  })

  test('has its operations, and a setter', () => {
    for (const { type, name, setting } of all) {
      assert.equal(typeof (types[type].setters as Record<string, unknown>)[name], 'function', `${type} ${name}`)
      if (setting.set === undefined) continue
      const names = operationNames(type, name)
      for (const operation of [names.get, names.set]) assert.ok(operation in operations, operation)
    }
  })

  test('stands in docs/host-file.md', () => {
    const lists = {
      vpcsw: 'switches',
      vpcp: 'ports',
      vpcmux: 'muxes',
      vmnic: 'vmnics',
      ethlink: 'ethlinks',
      hostif: 'hostifs',
      subnet: 'subnets',
      vpcrtr: 'routers',
      set: 'sets',
      group: 'groups',
      vpcnat: 'nats',
    } as const
    const document = textOf('docs/host-file.md')
    for (const { type, name, setting } of all) {
      const row = document.split('\n').find((line) => line.startsWith(`| \`${lists[type]}\``)) ?? ''
      const key = `\`${keyOf(name, setting)}\``
      assert.ok(row.includes(key) || new RegExp(`^- ${key} of an object`, 'm').test(document), `${key} of ${lists[type]}`)
    }
  })

  test('and each operation stand in docs/operations.md; npm run docs writes it', () => {
    assert.equal(textOf('docs/operations.md'), operationsPage())
    assert.equal(textOf('docs/drop-reasons.md'), reasonsPage())
    assert.equal(textOf('include/vpc.h'), cHeader())
    const program =
      '#include "vpc.h"\nint main(void) { return vpc_open((const uint8_t *)"", VPC_HANDLE_TYPE(VPC_TYPE_VMNIC), VPC_CREATE) + vpc_ctl(3, VPC_VPCSW_PORT_ADD, 0, 0, 0, 0); }'
    for (const standard of ['c99', 'gnu17'])
      execFileSync('clang', [`-std=${standard}`, '-Wall', '-Wextra', '-Werror', '-fsyntax-only', '-Iinclude', '-x', 'c', '-'], {
        input: program,
      })
  })

  // Names that mean nothing else. One that was added later shows what adding one touches.
  for (const name of ['floodUnknown', 'antispoof', 'anyEthertype', 'vrrp'])
    test(`${name} is named where it is declared, set and used, and nowhere else`, () => {
      const word = new RegExp(`\\b(${name}|${keyOf(name, {})}|${name.charAt(0).toUpperCase()}${name.slice(1)})\\b`)
      const own = [
        /^src\/abi\/settings\.ts$/,
        /^src\/object\/type\/(switch|port)\.ts$/,
        // What the datapath does with it.
        /^src\/(object\/sync\/projection|datapath)\//,
        // What a trace says of it, and proposes.
        /^src\/(abi\/drop-words|object\/trace\/stage-text)\.ts$/,
        // A column of a list, a line of what is shown, and a sentence of help.
        /^src\/cli\/commands\/switch\/(port\/)?(list|get|set)\.ts$/,
        // The keys of the first version of the journal.
        /^src\/object\/store\/versions\.ts$/,
      ]
      // The cloud half has fields of its own, and its agent makes settings of them.
      const cloud = /^src\/(resource\/kind|feed|control\/feed|agent\/compile)\//
      const sources = filesBelow('src').filter((file) => !file.endsWith('.test.ts') && !cloud.test(file))
      const files = sources.filter((file) => word.test(textOf(file)))
      assert.deepEqual(
        files.filter((file) => !own.some((place) => place.test(file))),
        [],
      )
      assert.ok(files.length <= 9, files.join(', '))
    })
})
