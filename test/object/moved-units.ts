/** Units that something else than vpcd has moved, such as docker: who gets them back, and when nobody does. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { handleType, openFlag } from '#abi/command.ts'
import { generateId, idBytes, type Id } from '#abi/id.ts'
import { Netns } from '#kernel/netns.ts'
import { Netlink } from '#kernel/netlink.ts'
import { Access } from '#object/host.ts'
import { Container } from './container.ts'
import { jsonText } from './inputs.ts'
import { Opened, type ScratchHost } from './scratch-host.ts'

const flags = openFlag.create | openFlag.read | openFlag.write

/** A committed hostif, and a container that its unit may be in. */
class Scene implements Disposable {
  readonly host: ScratchHost
  readonly id: Id
  readonly unit: string
  readonly container = new Container()
  readonly file: string

  constructor(host: ScratchHost) {
    this.host = host
    this.file = join(host.directory, 'moved.json')
    const made = host.create('hostif')
    this.unit = `hostif${made.handle.object!.unit}`
    this.id = made.keep()
  }
  /** As the container's manager does. */
  moveAway(netnsFd = this.container.netnsFd): void {
    this.host.netlink.setLink(this.host.netlink.linkByName(this.unit)!.ifindex, { netnsFd })
  }
  moveHere(): void {
    using own = Netns.current()
    this.container.netlink.setLink(this.container.netlink.linkByName(this.unit)!.ifindex, { netnsFd: own.fd })
  }
  /** Note where units are; while the handle is open, those count that go. */
  note(): Opened {
    const opened = this.host.open('mgmt', generateId('mgmt'), flags)
    opened.do('mgmtMovedKeep')
    return opened
  }
  /** Destroy the hostif, and let `uid` make it again. */
  remake(uid = 0): void {
    this.destroy()
    const caller = { pid: process.pid, uid, gid: uid }
    new Opened(this.host.host.open(caller, idBytes(this.id), handleType('hostif'), BigInt(flags))).keep()
  }
  destroy(): void {
    const { handle } = this.host.open('hostif', this.id)
    new Opened(handle).do('metaDestroy')
    handle.close()
  }
  isNoted(): boolean {
    return existsSync(this.file) && readFileSync(this.file, 'utf8').includes(this.id)
  }
  isHere(): boolean {
    return this.host.netlink.linkByName(this.unit) !== undefined
  }
  isInside(): boolean {
    return this.container.netlink.linkByName(this.unit) !== undefined
  }
  [Symbol.dispose](): void {
    this.destroy()
    this.container[Symbol.dispose]()
  }
}

/** Whoever may create hostifs and no more gets the unit in this namespace, and says what is left to do. */
export function onlyByRight(host: ScratchHost): void {
  using scene = new Scene(host)
  scene.moveAway()
  const noted = scene.note()
  scene.remake()
  assert.deepEqual([scene.isInside(), scene.isHere()], [true, false])
  noted.do('mgmtMovedKeep')
  const rights = new Set(['read', 'write', 'create'] as const)
  host.host.access = new Access({ rules: [{ to: { uid: 7 }, types: undefined, ids: undefined, rights }] })
  scene.remake(7)
  assert.deepEqual([scene.isInside(), scene.isHere()], [false, true])
  const said = host.lines.findLast(({ level }) => level === 'warn')?.message
  assert.match(
    said ?? '',
    /could not put hostif\d+ back into vpc-object-\S+ as hostif\d+; .*restart the container.*user 7 may not hand over/,
  )
  assert.equal(scene.isNoted(), false)
  // By a document, as the agent does, who has no right to hand over.
  scene.moveAway()
  noted.do('mgmtMovedKeep')
  scene.destroy()
  const caller = { pid: process.pid, uid: 7, gid: 7 }
  const whole = new Opened(host.host.open(caller, idBytes(generateId('mgmt')), handleType('mgmt'), BigInt(flags)))
  whole.do('mgmtApply', jsonText({ version: 1, owner: 'agent', hostifs: [{ id: scene.id }] }))
  assert.deepEqual([scene.isInside(), scene.isHere()], [true, false])
  host.host.access = new Access()
  for (const each of [noted, whole]) each.handle.close()
}

/** A note is for the devices that go while its handle is open: others are moved nowhere later. */
export async function onlyForThoseThatGo(host: ScratchHost): Promise<void> {
  using scene = new Scene(host)
  scene.moveAway()
  const noted = scene.note()
  assert.equal(scene.isNoted(), true)
  // It ends, and so does vpcd, before anything goes; meanwhile somebody takes the interface back.
  await host.restart(() => scene.moveHere())
  assert.deepEqual([scene.isHere(), scene.isNoted()], [true, false])
  noted.handle.close()
  scene.moveAway()
  scene.note().handle.close()
  assert.equal(scene.isNoted(), false)
  scene.remake()
  assert.deepEqual([scene.isInside(), scene.isHere()], [false, true])
}

/** Without room on the disk a start and an operation go on. */
export async function withoutFile(host: ScratchHost): Promise<void> {
  using scene = new Scene(host)
  rmSync(scene.file, { force: true })
  mkdirSync(scene.file)
  scene.moveAway()
  const noted = scene.note()
  assert.ok(host.lines.some(({ level, message }) => level === 'warn' && message.includes('containers still wait for')))
  scene.remake()
  assert.deepEqual([scene.isInside(), scene.isHere()], [true, false])
  noted.handle.close()
  await host.restart()
  assert.equal(scene.isInside(), true)
  rmdirSync(scene.file)
}

/** A name that leads to the namespace of a process is another's when the pid is. */
export async function byProcessNotLink(host: ScratchHost): Promise<void> {
  using scene = new Scene(host)
  const child = spawn('unshare', ['--net', 'sleep', '600'], { stdio: 'ignore' })
  const link = `/run/netns/vpc-link-${process.pid}`
  try {
    while (readFileSync(`/proc/${child.pid}/comm`, 'utf8') !== 'sleep\n') await new Promise((resolve) => setImmediate(resolve))
    symlinkSync(`/proc/${child.pid}/ns/net`, link)
    using space = Netns.ofPid(child.pid!)
    scene.moveAway(space.fd)
    const noted = scene.note()
    const { units } = JSON.parse(readFileSync(scene.file, 'utf8')) as { units: Record<Id, { netns: string }> }
    assert.match(units[scene.id]!.netns, new RegExp(`^pid:${child.pid}:\\d+$`))
    scene.remake()
    using inside = Netlink.open(space.fd)
    assert.notEqual(inside.linkByName(scene.unit), undefined)
    noted.handle.close()
  } finally {
    rmSync(link, { force: true })
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}
