// Package config holds what a gateway is configured with: the kinds of resources with their schemas and rules, the typed
// resources, the catalog of plugins that their plugin configurations are checked against, and the rules by which a route, its
// service and its consumer become one.
//
// There are two ways in. [Decode] turns what a store holds into a typed resource; it is tolerant where Apache APISIX's data
// plane is. [Check] says whether the Admin API may write a value; it is strict, and its errors are APISIX's, byte for byte.
// Neither changes what is stored: defaults are filled in only in the copy that Decode returns.
package config
