package etcd

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/polygate/polygate/core/store"
)

// deleteLimit is how many keys one transaction removes; the servers' default limit is 128 operations.
const deleteLimit = 100

var (
	errEmptyKey = errors.New("empty key")
	errNoItem   = errors.New("the answer holds no item")
)

// Get implements store.Writer.
func (s *Store) Get(ctx context.Context, key string) (store.Item, error) {
	var item store.Item
	err := s.do(ctx, func(ctx context.Context, client *clientv3.Client) (*etcdserverpb.ResponseHeader, error) {
		resp, err := client.Get(ctx, s.prefix+key)
		if err != nil {
			return nil, err
		}
		if len(resp.Kvs) == 0 {
			return resp.Header, store.ErrNotFound
		}
		item = s.item(resp.Kvs[0])
		return resp.Header, nil
	})
	if err != nil {
		return store.Item{}, fmt.Errorf("get %s: %w", key, err)
	}
	return item, nil
}

// List implements store.Writer. Long lists are read in pages of one revision.
func (s *Store) List(ctx context.Context, prefix string) ([]store.Item, int64, error) {
	list := pages{store: s, prefix: s.prefix + prefix}
	for !list.done {
		if err := s.do(ctx, list.next); err != nil {
			return nil, 0, fmt.Errorf("list %s: %w", prefix, err)
		}
	}
	return list.items, list.rev, nil
}

// Put implements store.Writer.
func (s *Store) Put(ctx context.Context, key string, value []byte, cond store.Cond) (store.Item, error) {
	if key == "" {
		return store.Item{}, fmt.Errorf("put: %w", errEmptyKey)
	}
	var item store.Item
	err := s.do(ctx, func(ctx context.Context, client *clientv3.Client) (*etcdserverpb.ResponseHeader, error) {
		lease, err := grant(ctx, client, cond)
		if err != nil {
			return nil, err
		}
		full := s.prefix + key
		resp, err := client.Txn(ctx).If(compares(full, cond)...).
			Then(clientv3.OpPut(full, string(value), clientv3.WithLease(lease)), clientv3.OpGet(full)).Commit()
		if err != nil {
			return nil, err
		}
		if !resp.Succeeded {
			revoke(ctx, client, lease)
			return resp.Header, store.ErrConflict
		}
		kvs := resp.Responses[1].GetResponseRange().GetKvs()
		if len(kvs) == 0 {
			return resp.Header, errNoItem
		}
		item = s.item(kvs[0])
		return resp.Header, nil
	})
	if err != nil {
		return store.Item{}, fmt.Errorf("put %s: %w", key, err)
	}
	return item, nil
}

// compares translates the conditions of a Put.
func compares(full string, cond store.Cond) []clientv3.Cmp {
	var cmps []clientv3.Cmp
	if cond.IfAbsent {
		cmps = append(cmps, clientv3.Compare(clientv3.CreateRevision(full), "=", 0))
	}
	if cond.IfModRev != 0 {
		cmps = append(cmps, clientv3.Compare(clientv3.ModRevision(full), "=", cond.IfModRev))
	}
	return cmps
}

// grant makes the lease for a Put with a TTL, which etcd counts in seconds.
func grant(ctx context.Context, client *clientv3.Client, cond store.Cond) (clientv3.LeaseID, error) {
	if cond.TTL <= 0 {
		return clientv3.NoLease, nil
	}
	resp, err := client.Grant(ctx, int64(math.Ceil(cond.TTL.Seconds())))
	if err != nil {
		return clientv3.NoLease, err
	}
	return resp.ID, nil
}

// revoke gives back a lease that no key uses. A lease that stays because this fails ends by itself.
func revoke(ctx context.Context, client *clientv3.Client, lease clientv3.LeaseID) {
	if lease != clientv3.NoLease {
		_, _ = client.Revoke(ctx, lease)
	}
}

// Delete implements store.Writer. Up to 100 keys are removed in one transaction.
func (s *Store) Delete(ctx context.Context, keys ...string) (int64, error) {
	keys = slices.Compact(slices.Sorted(slices.Values(keys)))
	var n int64
	for chunk := range slices.Chunk(keys, deleteLimit) {
		err := s.do(ctx, func(ctx context.Context, client *clientv3.Client) (*etcdserverpb.ResponseHeader, error) {
			ops := make([]clientv3.Op, 0, len(chunk))
			for _, key := range chunk {
				ops = append(ops, clientv3.OpDelete(s.prefix+key))
			}
			resp, err := client.Txn(ctx).Then(ops...).Commit()
			if err != nil {
				return nil, err
			}
			for _, r := range resp.Responses {
				n += r.GetResponseDeleteRange().GetDeleted()
			}
			return resp.Header, nil
		})
		if err != nil {
			return n, fmt.Errorf("delete: %w", err)
		}
	}
	return n, nil
}

// NextID implements store.Writer.
func (s *Store) NextID(ctx context.Context) (int64, error) {
	var id int64
	err := s.do(ctx, func(ctx context.Context, client *clientv3.Client) (*etcdserverpb.ResponseHeader, error) {
		resp, err := client.Put(ctx, s.prefix+idKey, "1")
		if err != nil {
			return nil, err
		}
		id = resp.Header.GetRevision()
		return resp.Header, nil
	})
	if err != nil {
		return 0, fmt.Errorf("next id: %w", err)
	}
	return id, nil
}

// do runs one request within the limit of writers, and notes how it went.
func (s *Store) do(ctx context.Context, request func(context.Context, *clientv3.Client) (*etcdserverpb.ResponseHeader, error)) error {
	limited, cancel := context.WithTimeout(ctx, min(s.opts.Timeout, writeLimit))
	defer cancel()
	var header *etcdserverpb.ResponseHeader
	client, err := s.writeClient(limited)
	if err == nil {
		header, err = request(limited, client)
	}
	if s.shared == nil && loginExpired(err) {
		s.dropWriteClient(client)
		if client, err = s.writeClient(limited); err == nil {
			header, err = request(limited, client)
		}
	}
	switch {
	case header != nil:
		s.state.works(header.GetRevision())
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case answered(err):
		return s.refused(err)
	default:
		err = s.unreachable(err)
		s.state.fails(err)
		return err
	}
}

func (s *Store) item(kv *mvccpb.KeyValue) store.Item {
	return store.Item{Key: s.key(kv.Key), Value: kv.Value, CreateRev: kv.CreateRevision, ModRev: kv.ModRevision}
}
