package etcd

import (
	"context"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/polygate/polygate/core/store"
)

// pageSize is how many keys one request reads. At 1,000 keys a page of ordinary routes is about 1 MB.
const pageSize = 1000

// pages reads everything below a prefix, page by page, at the revision of the first page.
type pages struct {
	store  *Store
	prefix string // full, with the store's prefix

	items   []store.Item
	rev     int64
	cluster uint64
	done    bool
	from    string // first key of the next page
}

// next reads one page. It sets done after the last one.
func (p *pages) next(ctx context.Context, client *clientv3.Client) (*etcdserverpb.ResponseHeader, error) {
	if p.from == "" {
		p.from = p.prefix
	}
	opts := []clientv3.OpOption{clientv3.WithRange(clientv3.GetPrefixRangeEnd(p.prefix)), clientv3.WithLimit(pageSize)}
	if p.rev != 0 {
		opts = append(opts, clientv3.WithRev(p.rev))
	}
	resp, err := client.Get(ctx, p.from, opts...)
	if err != nil {
		return nil, err
	}
	if p.rev == 0 {
		p.rev, p.cluster = resp.Header.GetRevision(), resp.Header.GetClusterId()
	}
	for _, kv := range resp.Kvs {
		if !p.store.hidden(kv.Key, kv.Value) {
			p.items = append(p.items, p.store.item(kv))
		}
	}
	p.done = !resp.More
	if n := len(resp.Kvs); n > 0 {
		p.from = string(resp.Kvs[n-1].Key) + "\x00"
	}
	return resp.Header, nil
}

// load reads all items. Each page has the store's timeout.
func (s *Store) load(ctx context.Context, client *clientv3.Client) (*pages, error) {
	p := &pages{store: s, prefix: s.prefix}
	for !p.done {
		page, cancel := context.WithTimeout(ctx, s.opts.Timeout)
		_, err := p.next(page, client)
		cancel()
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}
