// Package chaos breaks what a gateway is configured from, while a client sends requests without a break: etcd processes are killed,
// stopped, emptied, restored and compacted, values are garbage, the copy on disk is damaged, and the gateway itself is killed.
//
// Whatever happens, no request may fail that does not depend on what is away, and afterwards the gateway serves exactly what is
// stored. The tests run the gateway's program and Debian's etcd-server as processes.
package chaos
