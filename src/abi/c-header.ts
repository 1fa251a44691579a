/** The C header of the two system calls, made from the tables of types and operations: include/vpc.h. */
import { operations, openFlag } from './command.ts'
import { objectType } from './object-type.ts'

const upper = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()
const hex = (value: number, digits = 2): string => `0x${value.toString(16).padStart(digits, '0')}`

/** The text of the header. */
export function cHeader(): string {
  const commands = Object.entries(operations).map(([name, { command, type, name: what }]) => {
    return `#define VPC_${upper(name)} ${hex(command, 8)}u /* ${type}: ${what} */`
  })
  return `/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vpc_open(2) and vpc_ctl(2), for programs under \`vpc exec\` (docs/system-calls.md). The inputs and outputs of the
 * commands are in docs/operations.md. Made from the tables of src/abi: npm run docs.
 */
#ifndef VPC_H
#define VPC_H

#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#ifndef __cplusplus
/* unistd.h has it in GNU's modes of C alone. */
extern long syscall(long number, ...);
#endif

#define VPC_SYS_OPEN 580
#define VPC_SYS_CTL 581

/* Flags of vpc_open. */
${Object.entries(openFlag)
  .map(([name, value]) => `#define VPC_${upper(name)} ${hex(value, 3)}`)
  .join('\n')}

/* Types of objects, in byte 9 of an id. */
${Object.entries(objectType)
  .map(([name, code]) => `#define VPC_TYPE_${upper(name)} ${hex(code)}`)
  .join('\n')}

/* The handle type of vpc_open. */
#define VPC_HANDLE_TYPE(type) ((UINT64_C(1) << 60) | ((uint64_t)(type) << 48))

/* Open or create the object of an id. Returns a file descriptor, or -1 and errno. */
static inline int vpc_open(const uint8_t id[16], uint64_t handle_type, uint64_t flags)
{
	return (int)syscall(VPC_SYS_OPEN, id, handle_type, flags);
}

/* One operation on an object. Returns 0, or -1 and errno. */
static inline int vpc_ctl(int fd, uint32_t command, size_t inlen, const void *in, size_t *outlen, void *out)
{
	return (int)syscall(VPC_SYS_CTL, fd, command, inlen, in, outlen, out);
}

/* The commands of vpc_ctl. */
${commands.join('\n')}

#endif
`
}
