package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
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

// account is what the fake Cognito knows of a person.
type account struct {
	sub, password              string
	invited, disabled, signOut bool
}

// fakePeople is a user pool. The calls named in dieAfter do their work once and
// then fail; those in dieBefore fail once without having done it.
type fakePeople struct {
	accounts            map[string]*account
	dieAfter, dieBefore string
}

var errDied = errors.New("the line is dead")

// call does work on the account of a name, with the faults that were asked for.
func (f *fakePeople) call(name, username string, work func(*account)) (*account, error) {
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

func (f *fakePeople) AdminCreateUser(_ context.Context, in *cognito.AdminCreateUserInput, _ ...func(*cognito.Options)) (*cognito.AdminCreateUserOutput, error) {
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

func (f *fakePeople) AdminGetUser(_ context.Context, in *cognito.AdminGetUserInput, _ ...func(*cognito.Options)) (*cognito.AdminGetUserOutput, error) {
	a, err := f.call("get", *in.Username, func(*account) {})
	if err != nil {
		return nil, err
	}
	return &cognito.AdminGetUserOutput{UserAttributes: subOnly(a)}, nil
}

func subOnly(a *account) []types.AttributeType {
	return []types.AttributeType{{Name: aws.String("email"), Value: aws.String("?")}, {Name: aws.String("sub"), Value: &a.sub}}
}

func (f *fakePeople) AdminSetUserPassword(_ context.Context, in *cognito.AdminSetUserPasswordInput, _ ...func(*cognito.Options)) (*cognito.AdminSetUserPasswordOutput, error) {
	_, err := f.call("password", *in.Username, func(a *account) { a.password = *in.Password })
	return &cognito.AdminSetUserPasswordOutput{}, err
}

func (f *fakePeople) AdminDisableUser(_ context.Context, in *cognito.AdminDisableUserInput, _ ...func(*cognito.Options)) (*cognito.AdminDisableUserOutput, error) {
	_, err := f.call("disable", *in.Username, func(a *account) { a.disabled = true })
	return &cognito.AdminDisableUserOutput{}, err
}

func (f *fakePeople) AdminEnableUser(_ context.Context, in *cognito.AdminEnableUserInput, _ ...func(*cognito.Options)) (*cognito.AdminEnableUserOutput, error) {
	_, err := f.call("enable", *in.Username, func(a *account) { a.disabled = false })
	return &cognito.AdminEnableUserOutput{}, err
}

func (f *fakePeople) AdminUserGlobalSignOut(_ context.Context, in *cognito.AdminUserGlobalSignOutInput, _ ...func(*cognito.Options)) (*cognito.AdminUserGlobalSignOutOutput, error) {
	_, err := f.call("sign out", *in.Username, func(a *account) { a.signOut = true })
	return &cognito.AdminUserGlobalSignOutOutput{}, err
}

// fakeGateway has the usage plan "plan" of stage test. The calls named in dieAfter
// do their work once and then fail.
type fakeGateway struct {
	keys     []gatewaytypes.ApiKey
	inPlan   map[string]bool // key ids
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

// GetApiKeys gives one key a page.
func (f *fakeGateway) GetApiKeys(_ context.Context, in *apigateway.GetApiKeysInput, _ ...func(*apigateway.Options)) (*apigateway.GetApiKeysOutput, error) {
	i := len(aws.ToString(in.Position))
	out := &apigateway.GetApiKeysOutput{Items: f.keys[i : i+1]}
	if i+1 < len(f.keys) {
		out.Position = aws.String(strings.Repeat("x", i+1))
	}
	return out, f.died("look")
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

// dyingAccess fails once in the table call named, before or after its work.
type dyingAccess struct {
	*store.Store
	dieAfter, dieBefore string
}

func (d *dyingAccess) AddUser(ctx context.Context, u store.User) (store.User, bool, error) {
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

// fixture is a table, a user pool and a gateway, and the command line on them.
type fixture struct {
	table   *dyingAccess
	people  *fakePeople
	gateway *fakeGateway
}

func newFixture(tb testing.TB) fixture {
	tb.Helper()
	db, name := enginetest.NewTable(tb)
	now := func() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) }
	return fixture{
		table:   &dyingAccess{Store: store.New(db, name, now)},
		people:  &fakePeople{accounts: map[string]*account{}},
		gateway: &fakeGateway{inPlan: map[string]bool{}},
	}
}

// run is the command line with these words, and input on standard input.
func (f fixture) run(tb testing.TB, input string, words ...string) (string, error) {
	tb.Helper()
	root := newRoot(func(context.Context, settings) (*admin, error) {
		return &admin{access: f.table, people: f.people, pool: "pool", gateway: f.gateway, plan: "plan"}, nil
	})
	var out bytes.Buffer
	root.SetArgs(words)
	root.SetIn(strings.NewReader(input))
	root.SetOut(&out)
	err := root.ExecuteContext(tb.Context())
	return out.String(), err
}

// must is run for what has to succeed.
func (f fixture) must(tb testing.TB, input string, words ...string) string {
	tb.Helper()
	out, err := f.run(tb, input, words...)
	if err != nil {
		tb.Fatalf("%s: %v", strings.Join(words, " "), err)
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

func TestALenderFromItsCreationOn(t *testing.T) {
	t.Parallel()

	f := newFixture(t)
	for _, step := range []struct {
		words []string
		want  string
	}{
		{[]string{"create", "--id", "acme", "--name", "Acme Lending"}, "created: lender acme \"Acme Lending\", ACTIVE, at most 250 inquiries a batch and 10000 open, 0 batches so far\n"},
		{[]string{"create", "--id", "acme", "--name", "Acme Lending"}, "exists already: lender acme \"Acme Lending\", ACTIVE, at most 250 inquiries a batch and 10000 open, 0 batches so far\n"},
		{[]string{"suspend", "--id", "acme"}, "changed: lender acme \"Acme Lending\", SUSPENDED, at most 250 inquiries a batch and 10000 open, 0 batches so far\n"},
		{[]string{"suspend", "--id", "acme"}, "nothing to change: lender acme \"Acme Lending\", SUSPENDED, at most 250 inquiries a batch and 10000 open, 0 batches so far\n"},
		{[]string{"resume", "--id", "acme"}, "changed: lender acme \"Acme Lending\", ACTIVE, at most 250 inquiries a batch and 10000 open, 0 batches so far\n"},
		{[]string{"set-batch-max", "--id", "acme", "--batch-max", "1000"}, "changed: lender acme \"Acme Lending\", ACTIVE, at most 1000 inquiries a batch and 10000 open, 0 batches so far\n"},
		{[]string{"set-open-max", "--id", "acme", "--open-max", "2000"}, "changed: lender acme \"Acme Lending\", ACTIVE, at most 1000 inquiries a batch and 2000 open, 0 batches so far\n"},
		{[]string{"create", "--id", "acme", "--name", "Acme Lending"}, "exists already: lender acme \"Acme Lending\", ACTIVE, at most 1000 inquiries a batch and 2000 open, 0 batches so far\n"},
		{[]string{"show", "--id", "acme", "--output", "json"}, `{"lenderId":"acme","name":"Acme Lending","status":"ACTIVE","batchMax":1000,"batchCount":0,"openMax":2000,"open":0}` + "\n"},
	} {
		got := f.must(t, "", append([]string{"lender"}, step.words...)...)
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%v: %s", step.words, diff)
		}
	}
}

// Wherever creating a lender dies, the same command again leaves one gateway key
// in the plan; so does one for a lender from before there was a plan.
func TestALendersRequestsAreCounted(t *testing.T) {
	t.Parallel()

	create := []string{"lender", "create", "--id", "acme", "--name", "Acme Lending"}
	for name, fault := range map[string]func(fixture){
		"nothing dies":           func(fixture) {},
		"after reading the plan": func(f fixture) { f.gateway.dieAfter = "plan" },
		"after the key":          func(f fixture) { f.gateway.dieAfter = "create" },
		"after the plan has it":  func(f fixture) { f.gateway.dieAfter = "add" },
		"a lender without a key": func(f fixture) {
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
				t.Fatalf("%d keys, %d of them in the plan", len(f.gateway.keys), len(f.gateway.inPlan))
			}
			got := f.gateway.keys[1]
			want := gatewaytypes.ApiKey{Id: got.Id, Name: aws.String("batch-inquiries-test-acme"), Value: aws.String(auth.UsageKey("test", "acme")), Enabled: true}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(gatewaytypes.ApiKey{})); diff != "" || !f.gateway.inPlan[*got.Id] {
				t.Errorf("in the plan %t: %s", f.gateway.inPlan[*got.Id], diff)
			}
		})
	}
}

func TestALenderWhoCannotBeCountedIsAnError(t *testing.T) {
	t.Parallel()

	f := newFixture(t)
	f.withLender(t)
	f.gateway.inPlan[*f.gateway.keys[0].Id] = false // it is in another plan of the same stage
	if out, err := f.run(t, "", "lender", "create", "--id", "acme", "--name", "Acme Lending"); err == nil {
		t.Errorf("no error, but %s", out)
	}
}

// Wherever a run of invite dies, the same command again leaves what one whole
// run would have left.
func TestAnInvitationThatDiedIsFinishedByRunningItAgain(t *testing.T) {
	t.Parallel()

	for name, fault := range map[string]func(fixture){
		"not at all":                       func(fixture) {},
		"before the account":               func(f fixture) { f.people.dieBefore = "create" },
		"after the account":                func(f fixture) { f.people.dieAfter = "create" },
		"before the item":                  func(f fixture) { f.table.dieBefore = "add" },
		"after the item":                   func(f fixture) { f.table.dieAfter = "add" },
		"before the password":              func(f fixture) { f.people.dieBefore = "password" },
		"after the password":               func(f fixture) { f.people.dieAfter = "password" },
		"twice, in Cognito and the table":  func(f fixture) { f.people.dieAfter = "create"; f.table.dieBefore = "add" },
		"twice, in the table and in sight": func(f fixture) { f.table.dieAfter = "add"; f.people.dieBefore = "get" },
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
				t.Errorf("once more it says %s, before %s", again, out)
			}
			a := f.people.accounts[address]
			if a == nil || len(f.people.accounts) != 1 || a.password != "Correct-Horse-9" || a.invited {
				t.Fatalf("accounts %+v", f.people.accounts)
			}
			var got userData
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(userData{a.sub, "acme", address, "member"}, got); diff != "" {
				t.Error(diff)
			}
			u, err := f.table.User(t.Context(), a.sub)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(store.User{ID: a.sub, LenderID: "acme", Role: "member", Status: inquiry.AccessActive}, u); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWithoutAPasswordCognitoInvites(t *testing.T) {
	t.Parallel()

	f := newFixture(t).withLender(t)
	f.must(t, "", "user", "invite", "--lender", "acme", "--email", "Jane@Example.com", "--role", "viewer")
	if a := f.people.accounts[address]; a == nil || !a.invited || a.password != "" {
		t.Errorf("account %+v", a)
	}
}

func TestAnInvitationThatMayNotBeChangesNothing(t *testing.T) {
	t.Parallel()

	for name, c := range map[string]struct {
		lender, email, role, password string
		says                          string
	}{
		"no such lender":        {"nobody", "joe@example.com", "member", "Correct-Horse-9", "admin lender create"},
		"no such role":          {"acme", "joe@example.com", "root", "Correct-Horse-9", "neither member nor viewer"},
		"no address":            {"acme", "joe", "member", "Correct-Horse-9", "--email"},
		"a name with it":        {"acme", "Joe <joe@example.com>", "member", "Correct-Horse-9", "--email"},
		"an empty password":     {"acme", "joe@example.com", "member", "", "one line"},
		"two passwords":         {"acme", "joe@example.com", "member", "one\ntwo", "one line"},
		"another lender's user": {"other", address, "member", "Stolen-Horse-9", "belongs to lender acme"},
		"another role":          {"acme", address, "viewer", "Stolen-Horse-9", "set-role"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t).withLender(t)
			f.must(t, "", "lender", "create", "--id", "other", "--name", "Other")
			f.must(t, "Correct-Horse-9\n", invite...)
			_, err := f.run(t, c.password, "user", "invite", "--lender", c.lender, "--email", c.email, "--role", c.role, "--password-stdin")
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want one that says %s", err, c.says)
			}
			if err != nil && strings.Contains(err.Error(), c.email) {
				t.Errorf("the error names the address: %v", err)
			}
			if len(f.people.accounts) != 1 || f.people.accounts[address].password != "Correct-Horse-9" {
				t.Errorf("accounts %+v", f.people.accounts)
			}
		})
	}
}

// A suspension that dies half-way has denied already; a resumption that dies
// half-way has not allowed yet.
func TestAHalfDoneSuspensionDenies(t *testing.T) {
	t.Parallel()

	for name, c := range map[string]struct{ command, fault string }{
		"suspending, before Cognito is disabled":  {"suspend", "disable"},
		"suspending, before the sign-out":         {"suspend", "sign out"},
		"resuming, before the account is enabled": {"resume", "enable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t).withLender(t)
			f.must(t, "Correct-Horse-9", invite...)
			a := f.people.accounts[address]
			if c.command == "resume" {
				f.must(t, "", "user", "suspend", "--email", address)
			}
			f.people.dieBefore = c.fault
			if _, err := f.run(t, "", "user", c.command, "--email", address); !errors.Is(err, errDied) {
				t.Fatalf("error %v", err)
			}
			u, err := f.table.User(t.Context(), a.sub)
			if err != nil || u.Status != inquiry.AccessSuspended {
				t.Errorf("half-way: user %+v, error %v", u, err)
			}
			f.must(t, "", "user", c.command, "--email", address)
			u, err = f.table.User(t.Context(), a.sub)
			suspended := c.command == "suspend"
			if err != nil || (u.Status == inquiry.AccessSuspended) != suspended || a.disabled != suspended || !a.signOut {
				t.Errorf("after running again: user %+v, account %+v, error %v", u, a, err)
			}
		})
	}
}

func TestAUsersKeyIsRotatedAndRevoked(t *testing.T) {
	t.Parallel()

	f := newFixture(t).withLender(t)
	f.must(t, "Correct-Horse-9", invite...)
	sub := f.people.accounts[address].sub
	if _, err := f.run(t, "", "user", "rotate-key", "--email", address); err == nil || !strings.Contains(err.Error(), "no API key yet") {
		t.Errorf("before there is one: error %v", err)
	}
	k, err := f.table.EnsureAPIKey(t.Context(), sub)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := f.must(t, "", "user", "rotate-key", "--email", address, "--output", "json"),
		`{"userId":"`+sub+`","keyId":"`+k.ID+`","version":2}`+"\n"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for _, words := range []string{"revoked: ", "was revoked already: "} {
		if got := f.must(t, "", "user", "revoke-key", "--email", address); !strings.HasPrefix(got, words) {
			t.Errorf("%s, want %s…", got, words)
		}
	}
}

func TestErrorsSayWhatToDoNext(t *testing.T) {
	t.Parallel()

	f := newFixture(t).withLender(t)
	f.people.accounts["half@example.com"] = &account{sub: "u9"} // has an account and no item
	for name, c := range map[string]struct {
		words []string
		says  string
	}{
		"a lender there is not":      {[]string{"lender", "suspend", "--id", "nobody"}, "admin lender create --id nobody"},
		"a lender of another name":   {[]string{"lender", "create", "--id", "acme", "--name", "Other"}, "another --id"},
		"a lender of another limit":  {[]string{"lender", "create", "--id", "acme", "--name", "Acme Lending", "--batch-max", "5"}, "set-batch-max --id acme --batch-max 5"},
		"a lender with other room":   {[]string{"lender", "create", "--id", "acme", "--name", "Acme Lending", "--open-max", "500"}, "set-open-max --id acme --open-max 500"},
		"an id that cannot be":       {[]string{"lender", "create", "--id", "Acme", "--name", "Acme"}, "lower-case"},
		"a user there is not":        {[]string{"user", "suspend", "--email", "nobody@example.com"}, "admin user invite"},
		"a user only half invited":   {[]string{"user", "resume", "--email", "half@example.com"}, "admin user invite"},
		"a flag left out":            {[]string{"lender", "show"}, `"id"`},
		"an output there is not":     {[]string{"lender", "show", "--id", "acme", "--output", "xml"}, "neither text nor json"},
		"a word too many":            {[]string{"lender", "show", "--id", "acme", "more"}, "more"},
		"a command there is not":     {[]string{"lender", "delete"}, "unknown command"},
		"a role that there is not":   {[]string{"user", "set-role", "--email", "half@example.com", "--role", "x"}, "neither member nor viewer"},
		"a half-invited user's role": {[]string{"user", "set-role", "--email", "half@example.com", "--role", "viewer"}, "admin user invite"},
	} {
		_, err := f.run(t, "", c.words...)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want one that says %s", name, err, c.says)
		}
	}
}
