package httpapi

import (
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// describeSchemas adds what the schemas that huma makes do not say: descriptions, that
// a pointer that is always written may be null, and that answers may gain members.
func describeSchemas(registry huma.Registry) {
	for name, schema := range registry.Map() {
		schema.Description = schemaTexts[name]
		t := registry.TypeFromRef("#/components/schemas/" + name)
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct {
			continue
		}
		for _, f := range reflect.VisibleFields(t) {
			member, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			property := schema.Properties[member]
			if property == nil {
				continue
			}
			if codes := memberCodes[name+"."+member]; codes != nil {
				property.Description += " " + codes.String()
			}
			if property.Ref == "" {
				continue
			}
			if f.Type.Kind() == reflect.Pointer && !strings.Contains(options, "omit") {
				*property = huma.Schema{Description: property.Description, AnyOf: []*huma.Schema{{Ref: property.Ref}, {Type: "null"}}}
			}
		}
		if !inRequests[name] {
			schema.AdditionalProperties = nil
			continue
		}
		for member, property := range schema.Properties {
			if !slices.Contains(schema.Required, member) {
				allowNull(property)
			}
		}
	}
}

// allowNull documents that null means an absent field. Nulls are removed from a body
// before it is checked against its schema.
func allowNull(s *huma.Schema) {
	switch {
	case s.Ref != "":
		*s = huma.Schema{Description: s.Description, AnyOf: []*huma.Schema{{Ref: s.Ref}, {Type: "null"}}}
		return
	case len(s.Enum) > 0:
		s.Enum = append(s.Enum, nil)
	}
	s.Nullable = true
	if more, ok := s.AdditionalProperties.(*huma.Schema); ok {
		more.Nullable = true
	}
}

// inRequests lists the schemas of request bodies, which reject unknown members.
var inRequests = map[string]bool{"SubmitBody": true, "RerunBody": true, "InquiryInput": true, "AddressInput": true, "PrincipalInput": true}
