package embedded

import (
	"net/url"
	"time"

	"go.etcd.io/bbolt"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/config"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3compactor"
	"go.etcd.io/etcd/server/v3/features"
	"go.uber.org/zap"
)

const (
	member = "polygate"
	// tick and electionTicks make the only member elect itself within 50 to 100 ms of the start.
	tick          = 50 * time.Millisecond
	electionTicks = 2
	// quota is the size of the database at which writes are refused: about 500,000 routes.
	quota = 1 << 30
	// maxRequest is the largest write. The Admin API takes 1.5 MiB and adds a little.
	maxRequest = 4 << 20
	// retention is how many revisions stay for watches that are behind.
	retention = 1000
)

// serverConfig returns the configuration of a server that is alone, small and quick to start.
func serverConfig(dir string, log *zap.Logger) config.ServerConfig {
	// The address is only part of the member's identity. Nothing listens on it and nothing connects to it.
	urls := types.URLs{url.URL{Scheme: "http", Host: "127.0.0.1:0"}}
	return config.ServerConfig{
		Name:                member,
		DataDir:             dir,
		PeerURLs:            urls,
		ClientURLs:          urls,
		InitialPeerURLsMap:  types.URLsMap{member: urls},
		InitialClusterToken: member,
		NewCluster:          true,

		TickMs:                     uint(tick.Milliseconds()),
		ElectionTicks:              electionTicks,
		InitialElectionTickAdvance: true,
		PreVote:                    true,

		// The log is only needed to start again: nobody has to catch up with it.
		SnapshotCount:          1000,
		SnapshotCatchUpEntries: 100,
		MaxSnapFiles:           2,
		MaxWALFiles:            2,

		QuotaBackendBytes:                 quota,
		BackendFreelistType:               bbolt.FreelistMapType,
		BootstrapDefragThresholdMegabytes: 32,
		AutoCompactionMode:                v3compactor.ModeRevision,
		AutoCompactionRetention:           retention,

		MaxTxnOps:                   128,
		MaxRequestBytes:             maxRequest,
		CompactHashCheckTime:        time.Hour,
		WarningApplyDuration:        time.Second,
		WarningUnaryRequestDuration: time.Second,
		Metrics:                     "basic",
		Logger:                      log,
		ServerFeatureGate:           features.NewDefaultServerFeatureGate(member, log),
	}
}
