/** Wraps a descriptor that this process inherited or received as an object of its type. */
import { Descriptor } from './descriptor.ts'
import { VpcError } from './error.ts'
import { classes, type DescriptorOf, type Opened, type Typed } from './opener.ts'
import { typeNoun } from '#abi/object-type.ts'

/**
 * Use a descriptor that this process inherited (spawn's stdio, SCM_RIGHTS) as number `fd`, which the result owns from
 * now on: a switch as a `Switch`, and so on. Throws EBADF when `fd` is not a descriptor of vpcd.
 */
export async function adopt(fd: number): Promise<DescriptorOf<Typed>> {
  const { channel, id, type } = await Descriptor.fromFd(fd)
  const opened = classes[type as Typed] as Opened<DescriptorOf<Typed>>
  return new opened(channel, id, type)
}

/** The same for a descriptor that must have a type. Throws EINVAL, and closes it, when it has another. */
export async function adoptAs<T extends Typed>(fd: number, type: T): Promise<DescriptorOf<T>> {
  const found = await adopt(fd)
  if (found.type === type) return found as unknown as DescriptorOf<T>
  await found.close()
  throw new VpcError('EINVAL', `descriptor ${fd} is of ${typeNoun[found.type]} (${found.id}), not of ${typeNoun[type]}`)
}
