/** Builds the guest of the test with libvirt, of packages that it downloads. */
import { guestImage } from '../vm/guest-image.ts'

guestImage()
