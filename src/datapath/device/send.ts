/** Frames that the host itself sends to a unit. */
import { unitMark } from '../layout.ts'
import { sendFrame } from '#kernel/packet-socket.ts'

/** Send a frame out of the device with a unit's program: it arrives at the unit. Throws an error with an errno. */
export const sendToUnit = (ifindex: number, frame: Uint8Array): void => sendFrame(ifindex, frame, unitMark)
