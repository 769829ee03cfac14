package settings

import (
	"net/netip"
	"time"
)

// The roles of a gateway.
const (
	RoleTraditional  = "traditional"   // serves requests and the Admin API
	RoleControlPlane = "control_plane" // serves the Admin API
	RoleDataPlane    = "data_plane"    // serves requests
	RoleStandalone   = "standalone"    // like a data plane that reads a file
)

// The values of config_provider: where resources come from.
const (
	ProviderEtcd = "etcd"
	ProviderYAML = "yaml"
	ProviderJSON = "json"
	ProviderXDS  = "xds"
)

// StoreKind is the kind of the store of the resources.
type StoreKind string

// The kinds of stores.
const (
	StoreEmbedded StoreKind = "embedded" // etcd within the process
	StoreEtcd     StoreKind = "etcd"     // an external etcd
	StoreFile     StoreKind = "file"     // apisix.yaml or apisix.json
	StoreMemory   StoreKind = "memory"   // nothing but what PUT /apisix/admin/configs brings
)

// Deployment is the section "deployment": the part that this gateway plays.
type Deployment struct {
	Role             string       `key:"role" oneof:"traditional,control_plane,data_plane,standalone"`
	RoleTraditional  RoleProvider `key:"role_traditional"`
	RoleControlPlane RoleProvider `key:"role_control_plane"`
	RoleDataPlane    RoleProvider `key:"role_data_plane"`
	Admin            Admin        `key:"admin"`
	Etcd             Etcd         `key:"etcd"`
}

// RoleProvider says where a gateway of one role has its resources from.
type RoleProvider struct {
	ConfigProvider string `key:"config_provider" oneof:"etcd,yaml,json,xds"`
}

// Provider returns the config_provider of the role.
func (d *Deployment) Provider() string {
	switch d.Role {
	case RoleControlPlane:
		return ProviderEtcd
	case RoleDataPlane:
		return d.RoleDataPlane.ConfigProvider
	case RoleStandalone:
		return ProviderYAML
	}
	return d.RoleTraditional.ConfigProvider
}

// Store returns the kind of the store that role, provider and etcd's hosts amount to.
func (d *Deployment) Store() StoreKind {
	dataPlane := d.Role == RoleDataPlane || d.Role == RoleStandalone
	switch provider := d.Provider(); {
	case provider != ProviderEtcd && dataPlane:
		return StoreFile
	case provider != ProviderEtcd:
		return StoreMemory
	case len(d.Etcd.Host) > 0:
		return StoreEtcd
	}
	return StoreEmbedded
}

// Admin is about the Admin API.
type Admin struct {
	// KeyRequired is false where anybody may use the API: by admin_key_required, or by a null admin_key.
	KeyRequired bool           `key:"admin_key_required"`
	Keys        []AdminKey     `key:"admin_key"` // a key that is empty is made on the first start
	EnableCORS  bool           `key:"enable_admin_cors"`
	Allow       []netip.Prefix `key:"allow_admin"` // who may connect; empty: anybody
	Listen      Address        `key:"admin_listen"`
	HTTPS       bool           `key:"https_admin"`
	MTLS        AdminMTLS      `key:"admin_api_mtls"`
	APIVersion  string         `key:"admin_api_version" oneof:"v2,v3,default"`
}

// AdminKey is a key of the Admin API.
type AdminKey struct {
	Name string `key:"name" required:"true"`
	Key  string `key:"key"`
	Role string `key:"role" oneof:"admin,viewer" required:"true"`
}

// AdminMTLS are the files for https_admin.
type AdminMTLS struct {
	Cert   string `key:"admin_ssl_cert"`
	Key    string `key:"admin_ssl_cert_key"`
	CACert string `key:"admin_ssl_ca_cert"` // clients must show a certificate that it signed; empty: none needed
}

// Etcd is how an external etcd is reached.
type Etcd struct {
	Host        []string      `key:"host" split:"one"` // URLs; empty: etcd runs within the process
	Prefix      string        `key:"prefix"`
	Timeout     time.Duration `key:"timeout" min:"1ms"`
	ResyncDelay time.Duration `key:"resync_delay" min:"0s"`
	User        string        `key:"user"`
	Password    string        `key:"password"`
	TLS         EtcdTLS       `key:"tls"`
}

// EtcdTLS is about TLS with etcd.
type EtcdTLS struct {
	Cert   string `key:"cert"` // path of a PEM file
	Key    string `key:"key"`  // path of a PEM file
	Verify bool   `key:"verify"`
	SNI    string `key:"sni"` // empty: the host of the URL
}
