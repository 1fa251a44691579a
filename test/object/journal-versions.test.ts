/**
 * Journals of every version that was released: this vpcd reads them all, changes none that it cannot read, and says
 * what to do.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { suite, test } from 'node:test'
import { unitTypes, type UnitType } from '#abi/object-type.ts'
import { JournalUnusable } from '#object/store/journal.ts'
import { currentVersion, keysOf } from '#object/store/versions.ts'
import { json } from './inputs.ts'
import { dumpJournal, makeJournal } from './journals.ts'
import { ScratchHost } from './scratch-host.ts'
import { world } from './world.ts'

const directory = join(import.meta.dirname, 'journals')
const versions = Array.from({ length: currentVersion }, (_, i) => i + 1)
const sqlOf = (version: number): string => readFileSync(join(directory, `${version}.sql`), 'utf8')

function exported(host: ScratchHost): unknown {
  const mgmt = host.mgmt()
  using _ = mgmt.handle
  return json(mgmt.do('mgmtExport'))
}

/** A host with the interfaces that the journals name. */
function hostOfJournals(): ScratchHost {
  const host = new ScratchHost()
  host.addInterface('wire0')
  host.addInterface('under0', 1600, '192.0.2.1', '2001:db8::1')
  return host
}

/** Replace the host's journal; none: vpcd will make an empty one. */
function replaceJournal(host: ScratchHost, sql?: string): void {
  for (const name of readdirSync(host.directory)) rmSync(join(host.directory, name))
  if (sql !== undefined) makeJournal(join(host.directory, 'state.db'), sql)
}

suite('a journal', () => {
  test(`of each version has a fixture, up to the one that this vpcd writes (${currentVersion})`, async () => {
    if (existsSync(join(directory, `${currentVersion}.sql`))) return
    await using host = new ScratchHost()
    for (const { handle } of Object.values(world(host))) handle.close()
    const document = exported(host)
    await host.stop()
    const sql = dumpJournal(join(host.directory, 'state.db'))
    host.start()
    const files = { [`${currentVersion}.sql`]: sql, [`${currentVersion}.json`]: `${JSON.stringify(document, null, 2)}\n` }
    if (process.env['VPC_WRITE_FIXTURES'] !== undefined)
      for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
    assert.fail(`write these to test/object/journals (VPC_WRITE_FIXTURES=1 does): ${JSON.stringify(files, null, 2)}`)
  })

  for (const version of versions.filter((each) => existsSync(join(directory, `${each}.sql`))))
    test(`of version ${version} gives the host that it described, and is of version ${currentVersion} then`, async () => {
      await using host = hostOfJournals()
      await host.restart(() => replaceJournal(host, sqlOf(version)))
      const document: unknown = JSON.parse(readFileSync(join(directory, `${version}.json`), 'utf8'))
      assert.deepEqual(exported(host), document)
      await host.restart()
      assert.deepEqual(exported(host), document)
      using db = new DatabaseSync(join(host.directory, 'state.db'), { readOnly: true })
      assert.deepEqual({ ...db.prepare('PRAGMA user_version').get() }, { user_version: currentVersion })
    })

  test('of this version has the keys that the rows of its fixture have, and no others', () => {
    using db = new DatabaseSync(':memory:')
    db.exec(sqlOf(currentVersion))
    const rows = db.prepare('SELECT type, settings FROM object').all() as unknown as { type: UnitType; settings: string }[]
    for (const { type, settings } of rows)
      assert.deepEqual(Object.keys(JSON.parse(settings) as object).sort(), keysOf(currentVersion, type).sort())
    assert.deepEqual([...new Set(rows.map(({ type }) => type))].sort(), [...unitTypes].sort())
  })

  const change = (from: string, to: string, version = currentVersion): string => {
    const sql = sqlOf(version)
    assert.ok(sql.includes(from), from)
    return sql.replace(from, to)
  }
  const refusals: readonly (readonly [what: string, sql: () => string, says: RegExp])[] = [
    [
      'of a later version',
      () => change(`user_version = ${currentVersion}`, `user_version = ${currentVersion + 1}`),
      /has version \d+, this vpcd knows \d+; start the vpcd that wrote it/,
    ],
    [
      'with a setting that this vpcd does not know',
      () => change('"vni":5001,', '"vni":5001,"later":1,'),
      /vpc(sw|p)\d .* has 'later', which this vpcd does not know; start the vpcd/,
    ],
    [
      'of version 1 with a setting that came later',
      () => change('"vni":5001,', '"vni":5001,"later":1,', 1),
      /of version 1: the row of vpc(sw|p)\d .* has 'later'/,
    ],
    ['that lacks a setting', () => change('"vlan":0,', ''), /vpcp\d .* lacks 'vlan'; start the vpcd/],
    [
      'with a value of another kind',
      () => change('"vlan":0,', '"vlan":"ten",'),
      /vpcp\d .*'vlan': this must be a whole number from 0 to 4095, not 'ten'/,
    ],
    [
      'with an object of a type that this vpcd does not know',
      () => change("'hostif', 0", "'vpcnew', 0"),
      /'vpcnew' is not a type that this vpcd knows/,
    ],
  ]
  test('that cannot be read is refused with what to do, and stays as it is', async () => {
    await using host = hostOfJournals()
    for (const [what, sql, says] of refusals) {
      const asked = sql()
      await assert.rejects(
        host.restart(() => replaceJournal(host, asked)),
        (error) => error instanceof JournalUnusable && says.test(error.message),
        what,
      )
      assert.equal(dumpJournal(join(host.directory, 'state.db')), asked, what)
    }
    // Following the advice gives a working host again.
    await host.restart(() => replaceJournal(host))
    assert.deepEqual(exported(host), { version: 1 })
  })
})
