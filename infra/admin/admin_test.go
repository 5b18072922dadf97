package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	gatewaytypes "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/batch-inquiries/batch-inquiries/infra/local/enginetest"
	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

// account is a person's account in the fake Cognito.
type account struct {
	sub, password              string
	invited, disabled, signOut bool
}

// fakeUserPool fails once in the call named in dieAfter, after doing its work, and
// once in the call named in dieBefore, without doing it.
type fakeUserPool struct {
	accounts            map[string]*account
	dieAfter, dieBefore string
}

var errDied = errors.New("connection lost")

// call does the work on an account, with the configured faults.
func (f *fakeUserPool) call(name, username string, work func(*account)) (*account, error) {
	if f.dieBefore == name {
		f.dieBefore = ""
		return nil, errDied
	}
	a := f.accounts[username]
	if a == nil {
		return nil, &types.UserNotFoundException{}
	}
	work(a)
	if f.dieAfter == name {
		f.dieAfter = ""
		return nil, errDied
	}
	return a, nil
}

func (f *fakeUserPool) AdminCreateUser(_ context.Context, in *cognito.AdminCreateUserInput, _ ...func(*cognito.Options)) (*cognito.AdminCreateUserOutput, error) {
	if f.dieBefore != "create" {
		if f.accounts[*in.Username] != nil {
			return nil, &types.UsernameExistsException{}
		}
		f.accounts[*in.Username] = &account{sub: rand.Text(), invited: in.MessageAction != types.MessageActionTypeSuppress}
	}
	a, err := f.call("create", *in.Username, func(*account) {})
	if err != nil {
		return nil, err
	}
	return &cognito.AdminCreateUserOutput{User: &types.UserType{Attributes: subOnly(a)}}, nil
}

func (f *fakeUserPool) AdminGetUser(_ context.Context, in *cognito.AdminGetUserInput, _ ...func(*cognito.Options)) (*cognito.AdminGetUserOutput, error) {
	a, err := f.call("get", *in.Username, func(*account) {})
	if err != nil {
		return nil, err
	}
	return &cognito.AdminGetUserOutput{UserAttributes: subOnly(a)}, nil
}

func subOnly(a *account) []types.AttributeType {
	return []types.AttributeType{{Name: aws.String("email"), Value: aws.String("?")}, {Name: aws.String("sub"), Value: &a.sub}}
}

func (f *fakeUserPool) AdminSetUserPassword(_ context.Context, in *cognito.AdminSetUserPasswordInput, _ ...func(*cognito.Options)) (*cognito.AdminSetUserPasswordOutput, error) {
	_, err := f.call("password", *in.Username, func(a *account) { a.password = *in.Password })
	return &cognito.AdminSetUserPasswordOutput{}, err
}

func (f *fakeUserPool) AdminDisableUser(_ context.Context, in *cognito.AdminDisableUserInput, _ ...func(*cognito.Options)) (*cognito.AdminDisableUserOutput, error) {
	_, err := f.call("disable", *in.Username, func(a *account) { a.disabled = true })
	return &cognito.AdminDisableUserOutput{}, err
}

func (f *fakeUserPool) AdminEnableUser(_ context.Context, in *cognito.AdminEnableUserInput, _ ...func(*cognito.Options)) (*cognito.AdminEnableUserOutput, error) {
	_, err := f.call("enable", *in.Username, func(a *account) { a.disabled = false })
	return &cognito.AdminEnableUserOutput{}, err
}

func (f *fakeUserPool) AdminUserGlobalSignOut(_ context.Context, in *cognito.AdminUserGlobalSignOutInput, _ ...func(*cognito.Options)) (*cognito.AdminUserGlobalSignOutOutput, error) {
	_, err := f.call("sign out", *in.Username, func(a *account) { a.signOut = true })
	return &cognito.AdminUserGlobalSignOutOutput{}, err
}

// fakeGateway has the usage plan "plan" of the stage test. It fails once in the call
// named in dieAfter, after doing its work.
type fakeGateway struct {
	keys     []gatewaytypes.ApiKey
	inPlan   map[string]bool // by key ID
	dieAfter string
}

func (f *fakeGateway) died(name string) error {
	if f.dieAfter != name {
		return nil
	}
	f.dieAfter = ""
	return errDied
}

func (f *fakeGateway) GetUsagePlan(_ context.Context, in *apigateway.GetUsagePlanInput, _ ...func(*apigateway.Options)) (*apigateway.GetUsagePlanOutput, error) {
	if *in.UsagePlanId != "plan" {
		return nil, &gatewaytypes.NotFoundException{}
	}
	return &apigateway.GetUsagePlanOutput{ApiStages: []gatewaytypes.ApiStage{{Stage: aws.String("test")}}}, f.died("plan")
}

// GetApiKeys returns one key per page.
func (f *fakeGateway) GetApiKeys(_ context.Context, in *apigateway.GetApiKeysInput, _ ...func(*apigateway.Options)) (*apigateway.GetApiKeysOutput, error) {
	i := len(aws.ToString(in.Position))
	out := &apigateway.GetApiKeysOutput{Items: f.keys[i : i+1]}
	if i+1 < len(f.keys) {
		out.Position = aws.String(strings.Repeat("x", i+1))
	}
	return out, f.died("list")
}

func (f *fakeGateway) CreateApiKey(_ context.Context, in *apigateway.CreateApiKeyInput, _ ...func(*apigateway.Options)) (*apigateway.CreateApiKeyOutput, error) {
	for _, k := range f.keys {
		if *k.Value == *in.Value {
			return nil, &gatewaytypes.ConflictException{}
		}
	}
	k := gatewaytypes.ApiKey{Id: aws.String(rand.Text()), Name: in.Name, Value: in.Value, Enabled: in.Enabled}
	f.keys = append(f.keys, k)
	return &apigateway.CreateApiKeyOutput{Id: k.Id}, f.died("create")
}

func (f *fakeGateway) GetUsagePlanKey(_ context.Context, in *apigateway.GetUsagePlanKeyInput, _ ...func(*apigateway.Options)) (*apigateway.GetUsagePlanKeyOutput, error) {
	if !f.inPlan[*in.KeyId] {
		return nil, &gatewaytypes.NotFoundException{}
	}
	return &apigateway.GetUsagePlanKeyOutput{}, nil
}

func (f *fakeGateway) CreateUsagePlanKey(_ context.Context, in *apigateway.CreateUsagePlanKeyInput, _ ...func(*apigateway.Options)) (*apigateway.CreateUsagePlanKeyOutput, error) {
	if _, taken := f.inPlan[*in.KeyId]; taken {
		return nil, &gatewaytypes.ConflictException{}
	}
	f.inPlan[*in.KeyId] = true
	return &apigateway.CreateUsagePlanKeyOutput{}, f.died("add")
}

// failingAccess fails once in AddUser, before or after its work.
type failingAccess struct {
	*store.Store
	dieAfter, dieBefore string
}

func (d *failingAccess) AddUser(ctx context.Context, u store.User) (store.User, bool, error) {
	if d.dieBefore == "add" {
		d.dieBefore = ""
		return store.User{}, false, errDied
	}
	stored, added, err := d.Store.AddUser(ctx, u)
	if d.dieAfter == "add" {
		d.dieAfter = ""
		return store.User{}, false, errDied
	}
	return stored, added, err
}

// fixture runs the command line on a table, a user pool and a gateway.
type fixture struct {
	table    *failingAccess
	userPool *fakeUserPool
	gateway  *fakeGateway
}

func newFixture(tb testing.TB) fixture {
	tb.Helper()
	db, name := enginetest.NewTable(tb)
	now := func() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) }
	return fixture{
		table:    &failingAccess{Store: store.New(db, name, now)},
		userPool: &fakeUserPool{accounts: map[string]*account{}},
		gateway:  &fakeGateway{inPlan: map[string]bool{}},
	}
}

// run runs a command with these arguments and this standard input.
func (f fixture) run(tb testing.TB, input string, args ...string) (string, error) {
	tb.Helper()
	root := newRoot(func(context.Context, settings) (*admin, error) {
		return &admin{access: f.table, userPool: f.userPool, poolID: "pool", gateway: f.gateway, planID: "plan", generation: 2}, nil
	})
	var out bytes.Buffer
	root.SetArgs(args)
	root.SetIn(strings.NewReader(input))
	root.SetOut(&out)
	err := root.ExecuteContext(tb.Context())
	return out.String(), err
}

// must is run for commands that must succeed.
func (f fixture) must(tb testing.TB, input string, args ...string) string {
	tb.Helper()
	out, err := f.run(tb, input, args...)
	if err != nil {
		tb.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	return out
}

func (f fixture) withLender(tb testing.TB) fixture {
	tb.Helper()
	f.must(tb, "", "lender", "create", "--id", "acme", "--name", "Acme Lending")
	return f
}

const address = "jane@example.com"

var invite = []string{"user", "invite", "--lender", "acme", "--email", address, "--role", "member", "--password-stdin", "--output", "json"}

func TestLenderCommands(t *testing.T) {
	t.Parallel()

	text := func(sentence, status string, batchMax, openMax int) string {
		return fmt.Sprintf(`%s
  Name:            Acme Lending
  Status:          %s
  Batch limit:     %d inquiries in one batch
  Open limit:      %d inquiries in all unfinished batches, 0 now
  Batches so far:  0
`, sentence, status, batchMax, openMax)
	}
	f := newFixture(t)
	for _, step := range []struct {
		args []string
		want string
	}{
		{[]string{"create", "--id", "acme", "--name", "Acme Lending"},
			text("Lender acme was created. Invite its users with: admin user invite --lender acme --email … --role …", "ACTIVE", 250, 10000)},
		{[]string{"create", "--id", "acme", "--name", "Acme Lending"},
			text("Lender acme already exists.", "ACTIVE", 250, 10000)},
		{[]string{"suspend", "--id", "acme"},
			text("Lender acme is now suspended; its users and API keys lose access: reading within a minute, everything else at once.", "SUSPENDED", 250, 10000)},
		{[]string{"suspend", "--id", "acme"},
			text("Lender acme was already suspended; nothing was changed.", "SUSPENDED", 250, 10000)},
		{[]string{"resume", "--id", "acme"},
			text("Lender acme is active again; its users and API keys regain access within a minute.", "ACTIVE", 250, 10000)},
		{[]string{"set-batch-max", "--id", "acme", "--batch-max", "1000"},
			text("Lender acme now has this batch limit.", "ACTIVE", 1000, 10000)},
		{[]string{"set-open-max", "--id", "acme", "--open-max", "2000"},
			text("Lender acme now has this open limit.", "ACTIVE", 1000, 2000)},
		{[]string{"create", "--id", "acme", "--name", "Acme Lending"},
			text("Lender acme already exists.", "ACTIVE", 1000, 2000)},
		{[]string{"show", "--id", "acme"},
			text("Lender acme", "ACTIVE", 1000, 2000)},
		{[]string{"show", "--id", "acme", "--output", "json"},
			`{"lenderId":"acme","name":"Acme Lending","status":"ACTIVE","batchMax":1000,"batchCount":0,"openMax":2000,"open":0}` + "\n"},
	} {
		got := f.must(t, "", append([]string{"lender"}, step.args...)...)
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("output of lender %v (-want +got):\n%s", step.args, diff)
		}
	}
}

func TestCountRequests(t *testing.T) {
	t.Parallel()

	// Wherever creating a lender fails, repeating the command leaves one gateway key in
	// the plan. That is also true for a lender who was created before there was a plan.
	t.Run("repeating lender create leaves one gateway key per lender", func(t *testing.T) {
		t.Parallel()

		create := []string{"lender", "create", "--id", "acme", "--name", "Acme Lending"}
		for name, fault := range map[string]func(fixture){
			"no failure":                               func(fixture) {},
			"failure after reading the plan":           func(f fixture) { f.gateway.dieAfter = "plan" },
			"failure after creating the key":           func(f fixture) { f.gateway.dieAfter = "create" },
			"failure after adding the key to the plan": func(f fixture) { f.gateway.dieAfter = "add" },
			"an old lender without a key": func(f fixture) {
				if _, _, err := f.table.CreateLender(t.Context(), inquiry.Lender{ID: "acme", Name: "Acme Lending"}); err != nil {
					t.Error(err)
				}
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				f.must(t, "", "lender", "create", "--id", "acme-two", "--name", "Acme Two")
				fault(f)
				if _, err := f.run(t, "", create...); err != nil && (!errors.Is(err, errDied) || !strings.Contains(err.Error(), "again")) {
					t.Fatal(err)
				}
				f.must(t, "", create...)
				if len(f.gateway.keys) != 2 || len(f.gateway.inPlan) != 2 {
					t.Fatalf("the gateway has %d keys and the plan %d, want one for each of the two lenders", len(f.gateway.keys), len(f.gateway.inPlan))
				}
				got := f.gateway.keys[1]
				want := gatewaytypes.ApiKey{Id: got.Id, Name: aws.String("batch-inquiries-test-acme"), Value: aws.String(auth.UsageKey("test", "acme")), Enabled: true}
				if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(gatewaytypes.ApiKey{})); diff != "" {
					t.Errorf("the lender's gateway key (-want +got):\n%s", diff)
				}
				if !f.gateway.inPlan[*got.Id] {
					t.Error("the lender's gateway key is not in the plan")
				}
			})
		}
	})

	t.Run("a key in another usage plan is an error", func(t *testing.T) {
		t.Parallel()

		f := newFixture(t)
		f.withLender(t)
		f.gateway.inPlan[*f.gateway.keys[0].Id] = false // the key is in another plan of the same stage
		if out, err := f.run(t, "", "lender", "create", "--id", "acme", "--name", "Acme Lending"); err == nil {
			t.Errorf("no error; the output is %s", out)
		}
	})
}

func TestInvite(t *testing.T) {
	t.Parallel()

	// Wherever an invitation fails, repeating the command leaves the same result as one
	// complete run.
	t.Run("repeating the command finishes a failed invitation", func(t *testing.T) {
		t.Parallel()

		for name, fault := range map[string]func(fixture){
			"no failure":                                       func(fixture) {},
			"before creating the account":                      func(f fixture) { f.userPool.dieBefore = "create" },
			"after creating the account":                       func(f fixture) { f.userPool.dieAfter = "create" },
			"before adding the user":                           func(f fixture) { f.table.dieBefore = "add" },
			"after adding the user":                            func(f fixture) { f.table.dieAfter = "add" },
			"before setting the password":                      func(f fixture) { f.userPool.dieBefore = "password" },
			"after setting the password":                       func(f fixture) { f.userPool.dieAfter = "password" },
			"twice, in Cognito and in the table":               func(f fixture) { f.userPool.dieAfter = "create"; f.table.dieBefore = "add" },
			"twice, in the table and when reading the account": func(f fixture) { f.table.dieAfter = "add"; f.userPool.dieBefore = "get" },
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t).withLender(t)
				fault(f)
				var out string
				err := errDied
				for range 3 {
					if out, err = f.run(t, "Correct-Horse-9\n", invite...); err == nil {
						break
					}
					if !errors.Is(err, errDied) {
						t.Fatal(err)
					}
				}
				if err != nil {
					t.Fatal(err)
				}
				if again := f.must(t, "Correct-Horse-9\n", invite...); again != out {
					t.Errorf("the repeated command prints %s, want %s", again, out)
				}
				a := f.userPool.accounts[address]
				if a == nil || len(f.userPool.accounts) != 1 {
					t.Fatalf("the pool has %d accounts, want only that of the user", len(f.userPool.accounts))
				}
				if a.password != "Correct-Horse-9" {
					t.Errorf("the password is %q", a.password)
				}
				if a.invited {
					t.Error("Cognito sent an invitation in spite of --password-stdin")
				}
				var got userData
				if err := json.Unmarshal([]byte(out), &got); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(userData{a.sub, "acme", address, "member"}, got); diff != "" {
					t.Errorf("output (-want +got):\n%s", diff)
				}
				u, err := f.table.User(t.Context(), a.sub)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(store.User{ID: a.sub, LenderID: "acme", Role: "member", Status: inquiry.AccessActive}, u); diff != "" {
					t.Errorf("the stored user (-want +got):\n%s", diff)
				}
			})
		}
	})

	t.Run("without a password Cognito sends an invitation", func(t *testing.T) {
		t.Parallel()

		f := newFixture(t).withLender(t)
		f.must(t, "", "user", "invite", "--lender", "acme", "--email", "Jane@Example.com", "--role", "viewer")
		if a := f.userPool.accounts[address]; a == nil || !a.invited || a.password != "" {
			t.Errorf("the account is %+v, want one that is invited and has no password", a)
		}
	})

	t.Run("a rejected invitation changes nothing", func(t *testing.T) {
		t.Parallel()

		for name, c := range map[string]struct {
			lender, email, role, password string
			wantError                     string
		}{
			"unknown lender":         {"nobody", "joe@example.com", "member", "Correct-Horse-9", "admin lender create"},
			"unknown role":           {"acme", "joe@example.com", "root", "Correct-Horse-9", "neither member nor viewer"},
			"not an address":         {"acme", "joe", "member", "Correct-Horse-9", "--email"},
			"an address with a name": {"acme", "Joe <joe@example.com>", "member", "Correct-Horse-9", "--email"},
			"an empty password":      {"acme", "joe@example.com", "member", "", "exactly one line"},
			"two passwords":          {"acme", "joe@example.com", "member", "one\ntwo", "exactly one line"},
			"another lender's user":  {"other", address, "member", "Stolen-Horse-9", "already belongs to lender acme"},
			"another role":           {"acme", address, "viewer", "Stolen-Horse-9", "set-role"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t).withLender(t)
				f.must(t, "", "lender", "create", "--id", "other", "--name", "Other")
				f.must(t, "Correct-Horse-9\n", invite...)
				_, err := f.run(t, c.password, "user", "invite", "--lender", c.lender, "--email", c.email, "--role", c.role, "--password-stdin")
				if err == nil || !strings.Contains(err.Error(), c.wantError) {
					t.Errorf("error %v, want one that contains %q", err, c.wantError)
				}
				if err != nil && strings.Contains(err.Error(), c.email) {
					t.Errorf("the error contains the address: %v", err)
				}
				if n := len(f.userPool.accounts); n != 1 {
					t.Errorf("the pool has %d accounts, want only the one from before", n)
				}
				if got := f.userPool.accounts[address].password; got != "Correct-Horse-9" {
					t.Errorf("the password of the existing user is now %q", got)
				}
			})
		}
	})
}

// A suspension that fails halfway has already removed access. A resumption that fails
// halfway has not restored it yet.
func TestSuspendUser(t *testing.T) {
	t.Parallel()

	for name, c := range map[string]struct{ command, fault string }{
		"suspend fails before disabling the account": {"suspend", "disable"},
		"suspend fails before signing out":           {"suspend", "sign out"},
		"resume fails before enabling the account":   {"resume", "enable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t).withLender(t)
			f.must(t, "Correct-Horse-9", invite...)
			a := f.userPool.accounts[address]
			if c.command == "resume" {
				f.must(t, "", "user", "suspend", "--email", address)
			}
			f.userPool.dieBefore = c.fault
			if _, err := f.run(t, "", "user", c.command, "--email", address); !errors.Is(err, errDied) {
				t.Fatalf("error %v, want %v", err, errDied)
			}
			u, err := f.table.User(t.Context(), a.sub)
			if err != nil {
				t.Fatal(err)
			}
			if u.Status != inquiry.AccessSuspended {
				t.Errorf("after the failure the user is %s, want %s", u.Status, inquiry.AccessSuspended)
			}
			f.must(t, "", "user", c.command, "--email", address)
			u, err = f.table.User(t.Context(), a.sub)
			if err != nil {
				t.Fatal(err)
			}
			suspended := c.command == "suspend"
			if (u.Status == inquiry.AccessSuspended) != suspended {
				t.Errorf("after repeating %s the user is %s", c.command, u.Status)
			}
			if a.disabled != suspended {
				t.Errorf("after repeating %s the account's disabled is %t", c.command, a.disabled)
			}
			if !a.signOut {
				t.Error("the user was never signed out")
			}
		})
	}
}

func TestKeyCommands(t *testing.T) {
	t.Parallel()

	f := newFixture(t).withLender(t)
	f.must(t, "Correct-Horse-9", invite...)
	sub := f.userPool.accounts[address].sub
	if _, err := f.run(t, "", "user", "rotate-key", "--email", address); err == nil || !strings.Contains(err.Error(), "no API key yet") {
		t.Errorf("rotating before there is a key: error %v", err)
	}
	k, err := f.table.EnsureAPIKey(t.Context(), sub, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := f.must(t, "", "user", "rotate-key", "--email", address, "--output", "json"),
		`{"userId":"`+sub+`","keyId":"`+k.ID+`","version":2}`+"\n"; got != want {
		t.Errorf("rotate-key prints %s, want %s", got, want)
	}
	if now, err := f.table.APIKey(t.Context(), k.ID); err != nil || now.Generation != 2 {
		t.Errorf("the new version is made with generation %d of the master key, want the current one, 2; error %v", now.Generation, err)
	}
	for _, want := range []string{"was revoked, and stops working", "was already revoked; nothing was changed."} {
		if got := f.must(t, "", "user", "revoke-key", "--email", address); !strings.HasPrefix(got, "API key "+k.ID+" of user "+sub+" "+want) {
			t.Errorf("revoke-key prints %s, want %q", got, want)
		}
	}
}

// Each error says what to do next.
func TestErrors(t *testing.T) {
	t.Parallel()

	f := newFixture(t).withLender(t)
	f.userPool.accounts["half@example.com"] = &account{sub: "u9"} // has an account but no item
	for name, c := range map[string]struct {
		args      []string
		wantError string
	}{
		"unknown lender":                                 {[]string{"lender", "suspend", "--id", "nobody"}, "admin lender create --id nobody"},
		"existing lender with another name":              {[]string{"lender", "create", "--id", "acme", "--name", "Other"}, "another --id"},
		"existing lender with another batch limit":       {[]string{"lender", "create", "--id", "acme", "--name", "Acme Lending", "--batch-max", "5"}, "set-batch-max --id acme --batch-max 5"},
		"existing lender with another open limit":        {[]string{"lender", "create", "--id", "acme", "--name", "Acme Lending", "--open-max", "500"}, "set-open-max --id acme --open-max 500"},
		"invalid lender ID":                              {[]string{"lender", "create", "--id", "Acme", "--name", "Acme"}, "lower-case"},
		"unknown user":                                   {[]string{"user", "suspend", "--email", "nobody@example.com"}, "admin user invite"},
		"resuming a user whose invitation is unfinished": {[]string{"user", "resume", "--email", "half@example.com"}, "admin user invite"},
		"missing flag":                                   {[]string{"lender", "show"}, `"id"`},
		"unknown output format":                          {[]string{"lender", "show", "--id", "acme", "--output", "xml"}, "text or json"},
		"extra argument":                                 {[]string{"lender", "show", "--id", "acme", "more"}, "more"},
		"unknown command":                                {[]string{"lender", "delete"}, "unknown command"},
		"unknown role":                                   {[]string{"user", "set-role", "--email", "half@example.com", "--role", "x"}, "neither member nor viewer"},
		"setting the role of a user whose invitation is unfinished": {[]string{"user", "set-role", "--email", "half@example.com", "--role", "viewer"}, "admin user invite"},
	} {
		_, err := f.run(t, "", c.args...)
		if err == nil || !strings.Contains(err.Error(), c.wantError) {
			t.Errorf("%s: error %v, want one that contains %q", name, err, c.wantError)
		}
	}
}
