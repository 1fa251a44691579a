/* Native stand-in for libbpf's header of this name: fields of the harness's own struct sk_buff, read directly. */
#ifndef SHADOW_BPF_CORE_READ_H
#define SHADOW_BPF_CORE_READ_H

#define READ_2(a, b) ((a)->b)
#define READ_3(a, b, c) ((a)->b->c)
#define READ_OF(a, b, c, name, ...) name
#define BPF_CORE_READ(...) READ_OF(__VA_ARGS__, READ_3, READ_2)(__VA_ARGS__)
#define BPF_CORE_READ_BITFIELD(object, field) ((object)->field)
#define bpf_core_type_id_kernel(type) 0

#endif
