package etcd

import (
	"context"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/polygate/polygate/core/store"
)

const (
	// firstPage is how many keys the first request reads. Values may have 1.5 MB each, and it is not known yet that they are small.
	firstPage = 32
	// longestPage is how many keys one request reads at most. At 1,000 keys a page of ordinary routes is about 1 MB.
	longestPage = 1000
	// pageBytes is what a page should have at most, by the size of the one before.
	pageBytes = 4 << 20
)

// pages reads everything below a prefix, page by page, at the revision of the first page.
type pages struct {
	store  *Store
	prefix string // full, with the store's prefix

	items   []store.Item
	rev     int64
	cluster uint64
	last    *mvccpb.KeyValue // which was changed last
	done    bool
	from    string // first key of the next page
	limit   int64  // keys of the next page
}

// next reads one page. It sets done after the last one.
func (p *pages) next(ctx context.Context, client *clientv3.Client) (*etcdserverpb.ResponseHeader, error) {
	if p.from == "" {
		p.from, p.limit = p.prefix, firstPage
	}
	opts := []clientv3.OpOption{clientv3.WithRange(clientv3.GetPrefixRangeEnd(p.prefix)), clientv3.WithLimit(p.limit)}
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
	size := 0
	for _, kv := range resp.Kvs {
		size += len(kv.Key) + len(kv.Value)
		if p.last == nil || kv.ModRevision > p.last.ModRevision {
			p.last = kv
		}
		if !p.store.hidden(kv.Key, kv.Value) {
			p.items = append(p.items, p.store.item(kv))
		}
	}
	p.done = !resp.More
	p.limit = min(longestPage, max(1, p.limit*pageBytes/int64(max(size, 1))))
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
