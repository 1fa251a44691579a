/** Connects an ethlink to an interface of the host; repeating it is safe. */
import type { Id } from '#abi/id.ts'
import type { Ethlink } from '#client/ethlink.ts'
import type { Vpc } from '#client/vpc.ts'
import { Failure } from './failure.ts'
import { isRefusal, unitText } from './outcome.ts'

/** Connect; false when it is connected already. Throws when the ethlink wraps another interface. */
export async function connectEthlink(ethlink: Ethlink, l2Name: string): Promise<boolean> {
  const info = await ethlink.describe()
  if (info.l2Name === l2Name) return false
  if (info.l2Name === null) {
    await ethlink.connect(l2Name)
    return true
  }
  const differences = [{ setting: 'l2-name', asked: l2Name, is: info.l2Name }]
  const wayOut = `disconnect it first with vpc ethlink disconnect --ethlink-id=${info.id}`
  throw new Failure('conflict', `${unitText(info)} is connected to ${info.l2Name}; ${wayOut}`, { code: 'EISCONN', differences })
}

/** `ethlink0 (5c4acd32-…)`; the id alone of one that is gone, or that the caller may not read. */
export async function ethlinkText(client: Vpc, id: Id): Promise<string> {
  try {
    await using ethlink = await client.openEthlink(id)
    return unitText(await ethlink.describe())
  } catch (error) {
    if (isRefusal(error, 'ENOENT', 'EACCES', 'EPERM')) return id
    throw error
  }
}
