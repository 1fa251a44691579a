/** What all operations share: the objects, the datapath below them, the devices of the host, and the journal. */
import type { DaemonInfo, ProbeResult } from '#abi/info.ts'
import type { Devices } from '#datapath/device/devices.ts'
import type { GuestFiles } from '#datapath/guest-files.ts'
import type { Id } from '#abi/id.ts'
import type { Datapath } from '#datapath/datapath.ts'
import type { MovedUnits } from './store/moved-units.ts'
import type { Disturbances } from './sync/disturbances.ts'
import type { Troubles } from './sync/troubles.ts'
import type { ChangeLog } from './change-log.ts'
import type { EventHub } from './event-hub.ts'
import type { Gate } from './gate.ts'
import type { Log } from '#system/log.ts'
import type { Dirty } from './store/dirty.ts'
import type { Journal } from './store/journal.ts'
import type { Model } from './store/model.ts'

/** What vpcd reports about itself through a management handle. */
export interface DaemonReport {
  probe(): readonly ProbeResult[]
  info(): DaemonInfo
}

/** Tells the services for guests what operations have changed. */
export interface GuestFollower {
  note(dirty: Dirty): void
  /** Tell all of it now. */
  flush(): void
}

/** The processes of the services for guests. */
export interface Serving {
  /** Start them, in a network namespace (a descriptor), in place of those that an earlier vpcd has left. */
  start(netnsFd: number): void
  /** End them. */
  stop(): void
}

export interface Context {
  readonly model: Model
  readonly datapath: Datapath
  readonly devices: Devices
  readonly journal: Journal
  readonly log: Log
  readonly events: EventHub
  readonly changes: ChangeLog
  readonly report: DaemonReport
  readonly disturbances: Disturbances
  /** Objects in trouble. */
  readonly troubles: Troubles
  /** Makes changes of objects wait while an operation takes long. */
  readonly gate: Gate
  /** Undefined: there are none here. */
  readonly serving?: Serving | undefined
  /** What the services know of each guest. */
  readonly guestFiles?: GuestFiles | undefined
  /** Writes it, after each operation. */
  readonly keepGuestFiles: { current: GuestFollower | undefined }
  /** Units that others had moved into containers before their devices were removed. */
  readonly moved: MovedUnits
  /** Rows of the journal as they were last written, by id. */
  readonly written: Map<Id, string>
}
