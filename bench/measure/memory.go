package main

import (
	"context"
	"fmt"

	"github.com/polygate/polygate/bench/lab"
)

// memoryRow is the memory of a gateway.
type memoryRow struct {
	store  lab.Store
	routes int
	rss    int64 // bytes, after a load
	target int64 // bytes
}

const mib = 1 << 20

// memory starts one gateway after another, and reads its resident memory after a round of load.
func (b *bench) memory(ctx context.Context) ([]memoryRow, error) {
	few, many := b.few(), b.many()
	var rows []memoryRow
	for _, store := range []lab.Store{lab.StoreFile, lab.StoreEtcd, lab.StoreEmbedded} {
		targetFew, targetMany := int64(35*mib), int64(80*mib)
		if store == lab.StoreEmbedded {
			targetFew, targetMany = 100*mib, 100*mib
		}
		for _, c := range []struct {
			resources []lab.Resource
			path      string
			target    int64
		}{{few, "/plain", targetFew}, {many, "/r/5000/x", targetMany}} {
			rss, err := b.rss(ctx, store, c.resources, c.path)
			if err != nil {
				return nil, fmt.Errorf("memory with the %s store: %w", store, err)
			}
			rows = append(rows, memoryRow{store, len(c.resources), rss, c.target})
		}
	}
	return rows, nil
}

func (b *bench) rss(ctx context.Context, store lab.Store, resources []lab.Resource, path string) (int64, error) {
	name := fmt.Sprintf("memory-%s-%d", store, len(resources))
	p, err := b.gateway(name, store, resources)(ctx)
	if err != nil {
		return 0, err
	}
	defer p.Stop()
	if _, err := b.load(subject{path: path}, p).Run(ctx); err != nil {
		return 0, err
	}
	return p.RSS()
}
