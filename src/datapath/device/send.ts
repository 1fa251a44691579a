/** Frames that the host itself sends to a unit. */
import { unitMark } from '../layout.ts'
import { sendFrame } from '#kernel/packet-socket.ts'

/**
 * Send a frame out of the device that carries a unit's program: it comes out of the unit. Throws an error with an
 * errno.
 */
export const sendToUnit = (ifindex: number, frame: Uint8Array): void => sendFrame(ifindex, frame, unitMark)
