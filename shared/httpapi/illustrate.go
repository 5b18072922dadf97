package httpapi

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

// illustrateSchemas gives each schema member without an example one from the bodies
// that have it.
func illustrateSchemas(document *huma.OpenAPI) error {
	schemas := document.Components.Schemas
	var failed error
	show := func(s *huma.Schema, value any) {
		value, err := decoded(value)
		failed = errors.Join(failed, err)
		illustrate(schemas, s, value)
	}
	walk := func(content map[string]*huma.MediaType) {
		for _, name := range slices.Sorted(maps.Keys(content)) {
			for _, value := range (*mediaType)(content[name]).values() {
				show(content[name].Schema, value)
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(document.Paths)) {
		for _, op := range operationsOf(document.Paths[path]) {
			if op.RequestBody != nil {
				walk(op.RequestBody.Content)
			}
			for _, code := range slices.Sorted(maps.Keys(op.Responses)) {
				walk(op.Responses[code].Content)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(document.Components.Responses)) {
		walk(document.Components.Responses[name].Content)
	}
	show(schemas.Map()["ResultsLastLine"], resultsLastLine{sampleResultsEnd(2)})
	return failed
}

// illustrate takes examples for a schema, and for the schemas inside it, from a value.
func illustrate(schemas huma.Registry, s *huma.Schema, value any) {
	if s.Ref != "" {
		s = schemas.SchemaFromRef(s.Ref)
	}
	for _, choice := range slices.Concat(s.OneOf, s.AnyOf) {
		if choice.Ref != "" && hasAll(value, schemas.SchemaFromRef(choice.Ref).Required) {
			illustrate(schemas, choice, value)
		}
	}
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			if s.Items != nil {
				illustrate(schemas, s.Items, item)
			}
		}
	case map[string]any:
		more, _ := s.AdditionalProperties.(*huma.Schema)
		for _, name := range slices.Sorted(maps.Keys(value)) {
			switch property := s.Properties[name]; {
			case property != nil:
				if len(property.Examples) == 0 && showsAll(property) && !isEmpty(value[name]) {
					property.Examples = []any{value[name]}
				}
				illustrate(schemas, property, value[name])
			case more != nil:
				illustrate(schemas, more, value[name])
			}
		}
	}
}

// hasAll reports whether a value is an object with all these members.
func hasAll(value any, members []string) bool {
	object, ok := value.(map[string]any)
	return ok && !slices.ContainsFunc(members, func(name string) bool { _, has := object[name]; return !has })
}

// showsAll reports whether an example belongs at this schema. Where it refers to another
// schema, the examples are at that schema's members.
func showsAll(s *huma.Schema) bool {
	more, _ := s.AdditionalProperties.(*huma.Schema)
	return s.Ref == "" && len(s.OneOf) == 0 && len(s.AnyOf) == 0 && (s.Items == nil || showsAll(s.Items)) && (more == nil || showsAll(more))
}

// isEmpty reports whether a value would make a useless example.
func isEmpty(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case string:
		return value == ""
	case []any:
		return len(value) == 0
	case map[string]any:
		return len(value) == 0
	}
	return false
}

// decoded returns a value as JSON decodes it: maps, lists, strings and numbers.
func decoded(v any) (any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var value any
	err = json.Unmarshal(text, &value)
	return value, err
}
