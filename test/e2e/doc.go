// Package e2e looks at a gateway from where APISIX's users stand: it runs the gateway's program, and speaks to it as the tools do that
// were made for APISIX.
//
// existing_test.go starts a gateway on an etcd as APISIX leaves it. admin_test.go sends the requests of testdata/admin.txt, which are
// those of ADC, of the Terraform providers and of APISIX's documentation, and compares the answers to the byte. standalone_test.go
// configures a gateway without a store. adc_test.go runs the program adc itself where there is one.
package e2e
