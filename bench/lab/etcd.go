package lab

import (
	"context"
)

// Etcd starts an etcd beside the load, with its data in dir.
func Etcd(ctx context.Context, dir string) (*Process, error) {
	client, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	peer, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	return Start(ctx, Program{Name: "etcd", CPU: CPULoad, Addr: client, Args: []string{
		"etcd", "--data-dir", dir, "--log-level", "error", "--unsafe-no-fsync",
		"--listen-client-urls", "http://" + client, "--advertise-client-urls", "http://" + client,
		"--listen-peer-urls", "http://" + peer, "--initial-advertise-peer-urls", "http://" + peer,
		"--initial-cluster", "default=http://" + peer,
	}})
}
