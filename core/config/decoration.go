package config

import "errors"

// GraphQLCostDecoration is what one place in the GraphQL schema of a service costs: (the sum of what is selected below it) * multiply + add.
type GraphQLCostDecoration struct {
	Meta
	ServiceID    ID       `json:"service_id"`
	FieldPath    string   `json:"field_path"` // for example "Query.products"
	AddValue     float64  `json:"add_value"`
	AddArguments []string `json:"add_arguments"` // query arguments whose values count as AddValue does
	MulValue     float64  `json:"mul_value"`
	MulArguments []string `json:"mul_arguments"` // query arguments whose values count as MulValue does
}

func (d *GraphQLCostDecoration) setOwner(id string) { d.ServiceID = ID(id) }

// decorationOwner compares the service in the path with the one in the value.
func decorationOwner(e *examination) error {
	id, ok := idText(e.doc["service_id"])
	if ok && e.parent != "" && id != e.parent {
		return errors.New("wrong service_id, it is taken from the path")
	}
	return nil
}
