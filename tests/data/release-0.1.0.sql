-- A database of release 0.1.0 (tables 0006), to be brought to the newest. Made by that release's own code, with two
-- instances: all of 100001 was delivered, one was given up; what is for 100002 waits, as its callback was not there.
-- pg_dump --inserts --no-owner --no-privileges --no-comments; partitions without a row are left out.
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE TYPE public.pgqueuer_status AS ENUM (
    'queued',
    'picked',
    'successful',
    'exception',
    'canceled',
    'deleted',
    'failed'
);
CREATE FUNCTION public.fn_pgqueuer_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    to_emit BOOLEAN := false;  -- Flag to decide whether to emit a notification
BEGIN
    -- Check operation type and set the emit flag accordingly
    IF TG_OP = 'UPDATE' AND OLD IS DISTINCT FROM NEW THEN
        to_emit := true;
    ELSIF TG_OP = 'DELETE' THEN
        to_emit := true;
    ELSIF TG_OP = 'INSERT' THEN
        to_emit := true;
    ELSIF TG_OP = 'TRUNCATE' THEN
        to_emit := true;
    END IF;
    -- Perform notification if the emit flag is set
    IF to_emit THEN
        PERFORM pg_notify(
            'ch_pgqueuer',
            json_build_object(
                'channel', 'ch_pgqueuer',
                'operation', lower(TG_OP),
                'sent_at', NOW(),
                'table', TG_TABLE_NAME,
                'type', 'table_changed_event'
            )::text
        );
    END IF;
    -- Return appropriate value based on the operation
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        RETURN NEW;
    ELSIF TG_OP = 'DELETE' THEN
        RETURN OLD;
    ELSE
        RETURN NULL; -- For TRUNCATE and other non-row-specific contexts
    END IF;
END;
$$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.alembic_version (
version_num character varying(32) NOT NULL
);
CREATE TABLE public.application (
id bigint NOT NULL,
organization_id bigint NOT NULL,
connector text NOT NULL,
name text NOT NULL,
configuration jsonb NOT NULL,
secrets bytea NOT NULL,
created_at timestamp with time zone NOT NULL
);
ALTER TABLE public.application ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.application_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.attempt (
notification_id bigint NOT NULL,
number integer NOT NULL,
started_at timestamp with time zone NOT NULL,
duration_milliseconds integer NOT NULL,
status integer,
error text,
excerpt text,
replay_id bigint DEFAULT 0 NOT NULL
)
PARTITION BY RANGE (started_at);
CREATE TABLE public.attempt_20261127_180000 (
notification_id bigint CONSTRAINT attempt_notification_id_not_null NOT NULL,
number integer CONSTRAINT attempt_number_not_null NOT NULL,
started_at timestamp with time zone CONSTRAINT attempt_started_at_not_null NOT NULL,
duration_milliseconds integer CONSTRAINT attempt_duration_milliseconds_not_null NOT NULL,
status integer,
error text,
excerpt text,
replay_id bigint DEFAULT 0 CONSTRAINT attempt_replay_id_not_null NOT NULL
);
CREATE TABLE public.attempt_rest (
notification_id bigint CONSTRAINT attempt_notification_id_not_null NOT NULL,
number integer CONSTRAINT attempt_number_not_null NOT NULL,
started_at timestamp with time zone CONSTRAINT attempt_started_at_not_null NOT NULL,
duration_milliseconds integer CONSTRAINT attempt_duration_milliseconds_not_null NOT NULL,
status integer,
error text,
excerpt text,
replay_id bigint DEFAULT 0 CONSTRAINT attempt_replay_id_not_null NOT NULL
);
CREATE TABLE public.audit (
id bigint NOT NULL,
organization_id bigint NOT NULL,
email text NOT NULL,
done_at timestamp with time zone NOT NULL,
action text NOT NULL,
instance_id bigint,
detail text NOT NULL
);
ALTER TABLE public.audit ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.connection (
id uuid NOT NULL,
organization_id bigint NOT NULL,
member_id bigint NOT NULL,
instance_id bigint,
connector text NOT NULL,
name text NOT NULL,
wish bytea NOT NULL,
by_link boolean DEFAULT false NOT NULL,
created_at timestamp with time zone NOT NULL,
expires_at timestamp with time zone NOT NULL,
taken_at timestamp with time zone,
made_instance_id bigint,
failure text
);
CREATE TABLE public.credential (
instance_id bigint NOT NULL,
tokens bytea NOT NULL,
version bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='80', autovacuum_vacuum_scale_factor='0.05', autovacuum_vacuum_threshold='1000');
CREATE TABLE public.endpoint (
instance_id bigint NOT NULL,
url text,
state text DEFAULT 'active'::text NOT NULL,
due_at timestamp with time zone,
last_sequence bigint DEFAULT 0 NOT NULL,
last_order bigint DEFAULT 0 NOT NULL,
leased_by uuid,
generation bigint DEFAULT 0 NOT NULL,
failing_since timestamp with time zone,
last_error text,
deactivated_at timestamp with time zone,
CONSTRAINT endpoint_state_check CHECK ((state = ANY (ARRAY['active'::text, 'deactivated'::text])))
)
WITH (fillfactor='80', autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='1000', autovacuum_vacuum_cost_limit='2000');
CREATE TABLE public.event (
id uuid NOT NULL,
instance_id bigint NOT NULL,
sequence bigint NOT NULL,
page_id bigint NOT NULL,
record_index integer NOT NULL,
notification_id bigint,
resource text NOT NULL,
object_id text NOT NULL,
object_type text NOT NULL,
event_type text NOT NULL,
occurred_at timestamp with time zone NOT NULL,
polled_at timestamp with time zone NOT NULL,
label text DEFAULT ''::text NOT NULL
)
PARTITION BY RANGE (polled_at);
CREATE TABLE public.event_20261127_180000 (
id uuid CONSTRAINT event_id_not_null NOT NULL,
instance_id bigint CONSTRAINT event_instance_id_not_null NOT NULL,
sequence bigint CONSTRAINT event_sequence_not_null NOT NULL,
page_id bigint CONSTRAINT event_page_id_not_null NOT NULL,
record_index integer CONSTRAINT event_record_index_not_null NOT NULL,
notification_id bigint,
resource text CONSTRAINT event_resource_not_null NOT NULL,
object_id text CONSTRAINT event_object_id_not_null NOT NULL,
object_type text CONSTRAINT event_object_type_not_null NOT NULL,
event_type text CONSTRAINT event_event_type_not_null NOT NULL,
occurred_at timestamp with time zone CONSTRAINT event_occurred_at_not_null NOT NULL,
polled_at timestamp with time zone CONSTRAINT event_polled_at_not_null NOT NULL,
label text DEFAULT ''::text CONSTRAINT event_label_not_null NOT NULL
);
CREATE TABLE public.event_hour (
instance_id bigint NOT NULL,
begin_at timestamp with time zone NOT NULL,
events bigint NOT NULL
)
WITH (fillfactor='80', autovacuum_vacuum_scale_factor='0.05', autovacuum_vacuum_threshold='1000');
CREATE TABLE public.event_rest (
id uuid CONSTRAINT event_id_not_null NOT NULL,
instance_id bigint CONSTRAINT event_instance_id_not_null NOT NULL,
sequence bigint CONSTRAINT event_sequence_not_null NOT NULL,
page_id bigint CONSTRAINT event_page_id_not_null NOT NULL,
record_index integer CONSTRAINT event_record_index_not_null NOT NULL,
notification_id bigint,
resource text CONSTRAINT event_resource_not_null NOT NULL,
object_id text CONSTRAINT event_object_id_not_null NOT NULL,
object_type text CONSTRAINT event_object_type_not_null NOT NULL,
event_type text CONSTRAINT event_event_type_not_null NOT NULL,
occurred_at timestamp with time zone CONSTRAINT event_occurred_at_not_null NOT NULL,
polled_at timestamp with time zone CONSTRAINT event_polled_at_not_null NOT NULL,
label text DEFAULT ''::text CONSTRAINT event_label_not_null NOT NULL
);
CREATE TABLE public.gap (
id bigint NOT NULL,
instance_id bigint NOT NULL,
resource text NOT NULL,
sequence bigint NOT NULL,
reason text NOT NULL,
from_watermark jsonb,
to_watermark jsonb,
detected_at timestamp with time zone NOT NULL
);
ALTER TABLE public.gap ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.gap_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.instance (
id bigint NOT NULL,
organization_id bigint NOT NULL,
user_id bigint NOT NULL,
connector text NOT NULL,
name text NOT NULL,
tags text[] NOT NULL,
configuration jsonb NOT NULL,
secrets bytea NOT NULL,
token_hash bytea NOT NULL,
account_id text NOT NULL,
account_label text NOT NULL,
disabled boolean DEFAULT false NOT NULL,
valid boolean DEFAULT true NOT NULL,
full_raw boolean DEFAULT false NOT NULL,
interval_seconds double precision NOT NULL,
next_poll_at timestamp with time zone,
last_poll_at timestamp with time zone,
created_at timestamp with time zone DEFAULT now() NOT NULL,
quota jsonb,
last_success_at timestamp with time zone,
throttled_until timestamp with time zone,
wishes integer DEFAULT 0 NOT NULL
)
WITH (fillfactor='80', autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='1000', autovacuum_vacuum_cost_limit='2000');
ALTER TABLE public.instance ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.instance_id_seq
    START WITH 100001
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.invitation (
id bigint NOT NULL,
token_hash bytea NOT NULL,
organization_id bigint,
email text,
role text NOT NULL,
invited_by bigint,
created_at timestamp with time zone NOT NULL,
expires_at timestamp with time zone NOT NULL,
accepted_at timestamp with time zone,
withdrawn_at timestamp with time zone,
CONSTRAINT invitation_role_check CHECK ((role = ANY (ARRAY['admin'::text, 'operator'::text, 'viewer'::text])))
);
ALTER TABLE public.invitation ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.invitation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.member (
id bigint NOT NULL,
organization_id bigint NOT NULL,
email text NOT NULL,
created_at timestamp with time zone DEFAULT now() NOT NULL,
role text DEFAULT 'admin'::text NOT NULL,
password_hash text,
removed_at timestamp with time zone,
CONSTRAINT member_role_check CHECK ((role = ANY (ARRAY['admin'::text, 'operator'::text, 'viewer'::text])))
);
ALTER TABLE public.member ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.member_id_seq
    START WITH 3001
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.member_secret (
secret_hash bytea NOT NULL,
member_id bigint NOT NULL,
created_at timestamp with time zone DEFAULT now() NOT NULL,
id bigint NOT NULL
);
ALTER TABLE public.member_secret ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.member_secret_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.notification (
id bigint NOT NULL,
instance_id bigint NOT NULL,
lane_order bigint NOT NULL,
page_id bigint NOT NULL,
state text DEFAULT 'pending'::text NOT NULL,
attempts integer DEFAULT 0 NOT NULL,
failures integer DEFAULT 0 NOT NULL,
next_attempt_at timestamp with time zone NOT NULL,
created_at timestamp with time zone NOT NULL,
delivered_at timestamp with time zone,
refusals integer DEFAULT 0 NOT NULL,
dead_at timestamp with time zone,
events bytea,
CONSTRAINT notification_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'delivered'::text, 'dead'::text, 'cancelled'::text, 'unsent'::text])))
)
PARTITION BY RANGE (created_at);
CREATE SEQUENCE public.notification_number
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.notification_number OWNED BY public.notification.id;
CREATE TABLE public.notification_20261127_180000 (
id bigint DEFAULT nextval('public.notification_number'::regclass) CONSTRAINT notification_id_not_null NOT NULL,
instance_id bigint CONSTRAINT notification_instance_id_not_null NOT NULL,
lane_order bigint CONSTRAINT notification_lane_order_not_null NOT NULL,
page_id bigint CONSTRAINT notification_page_id_not_null NOT NULL,
state text DEFAULT 'pending'::text CONSTRAINT notification_state_not_null NOT NULL,
attempts integer DEFAULT 0 CONSTRAINT notification_attempts_not_null NOT NULL,
failures integer DEFAULT 0 CONSTRAINT notification_failures_not_null NOT NULL,
next_attempt_at timestamp with time zone CONSTRAINT notification_next_attempt_at_not_null NOT NULL,
created_at timestamp with time zone CONSTRAINT notification_created_at_not_null NOT NULL,
delivered_at timestamp with time zone,
refusals integer DEFAULT 0 CONSTRAINT notification_refusals_not_null NOT NULL,
dead_at timestamp with time zone,
events bytea,
CONSTRAINT notification_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'delivered'::text, 'dead'::text, 'cancelled'::text, 'unsent'::text])))
)
WITH (fillfactor='80', autovacuum_vacuum_scale_factor='0.05');
CREATE TABLE public.notification_rest (
id bigint DEFAULT nextval('public.notification_number'::regclass) CONSTRAINT notification_id_not_null NOT NULL,
instance_id bigint CONSTRAINT notification_instance_id_not_null NOT NULL,
lane_order bigint CONSTRAINT notification_lane_order_not_null NOT NULL,
page_id bigint CONSTRAINT notification_page_id_not_null NOT NULL,
state text DEFAULT 'pending'::text CONSTRAINT notification_state_not_null NOT NULL,
attempts integer DEFAULT 0 CONSTRAINT notification_attempts_not_null NOT NULL,
failures integer DEFAULT 0 CONSTRAINT notification_failures_not_null NOT NULL,
next_attempt_at timestamp with time zone CONSTRAINT notification_next_attempt_at_not_null NOT NULL,
created_at timestamp with time zone CONSTRAINT notification_created_at_not_null NOT NULL,
delivered_at timestamp with time zone,
refusals integer DEFAULT 0 CONSTRAINT notification_refusals_not_null NOT NULL,
dead_at timestamp with time zone,
events bytea,
CONSTRAINT notification_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'delivered'::text, 'dead'::text, 'cancelled'::text, 'unsent'::text])))
);
CREATE TABLE public.object_memory (
poll_id bigint NOT NULL,
object_key bytea NOT NULL,
object_id text NOT NULL,
object_type text NOT NULL,
version text NOT NULL,
dated_at timestamp with time zone,
seen_at timestamp with time zone NOT NULL
)
WITH (fillfactor='90', autovacuum_vacuum_scale_factor='0.05', autovacuum_vacuum_threshold='1000');
CREATE TABLE public.operation_notice (
id bigint NOT NULL,
instance_id bigint NOT NULL,
kind text NOT NULL,
body jsonb NOT NULL,
created_at timestamp with time zone NOT NULL,
due_at timestamp with time zone NOT NULL,
attempts integer DEFAULT 0 NOT NULL,
last_error text
);
ALTER TABLE public.operation_notice ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.operation_notice_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.organization (
id bigint NOT NULL,
name text NOT NULL,
created_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE public.organization ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.organization_id_seq
    START WITH 1001
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.organization_secret (
secret_hash bytea NOT NULL,
organization_id bigint NOT NULL,
created_at timestamp with time zone DEFAULT now() NOT NULL,
id bigint NOT NULL
);
ALTER TABLE public.organization_secret ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.organization_secret_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.page (
id bigint NOT NULL,
instance_id bigint NOT NULL,
polled_at timestamp with time zone NOT NULL,
context jsonb NOT NULL,
records text[] NOT NULL
)
PARTITION BY RANGE (polled_at);
CREATE SEQUENCE public.page_number
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.page_number OWNED BY public.page.id;
CREATE TABLE public.page_20261127_180000 (
id bigint DEFAULT nextval('public.page_number'::regclass) CONSTRAINT page_id_not_null NOT NULL,
instance_id bigint CONSTRAINT page_instance_id_not_null NOT NULL,
polled_at timestamp with time zone CONSTRAINT page_polled_at_not_null NOT NULL,
context jsonb CONSTRAINT page_context_not_null NOT NULL,
records text[] CONSTRAINT page_records_not_null NOT NULL
);
CREATE TABLE public.page_rest (
id bigint DEFAULT nextval('public.page_number'::regclass) CONSTRAINT page_id_not_null NOT NULL,
instance_id bigint CONSTRAINT page_instance_id_not_null NOT NULL,
polled_at timestamp with time zone CONSTRAINT page_polled_at_not_null NOT NULL,
context jsonb CONSTRAINT page_context_not_null NOT NULL,
records text[] CONSTRAINT page_records_not_null NOT NULL
);
CREATE UNLOGGED TABLE public.pgqueuer (
id bigint NOT NULL,
priority integer NOT NULL,
queue_manager_id uuid,
created timestamp with time zone DEFAULT now() NOT NULL,
updated timestamp with time zone DEFAULT now() NOT NULL,
heartbeat timestamp with time zone DEFAULT now() NOT NULL,
execute_after timestamp with time zone DEFAULT now() NOT NULL,
status public.pgqueuer_status NOT NULL,
entrypoint text NOT NULL,
dedupe_key text,
payload bytea,
headers jsonb,
attempts integer DEFAULT 0 NOT NULL,
slot bigint
)
WITH (autovacuum_vacuum_scale_factor='0.01', autovacuum_vacuum_threshold='1000', autovacuum_analyze_scale_factor='0.02', autovacuum_analyze_threshold='500', autovacuum_vacuum_cost_limit='10000', autovacuum_vacuum_cost_delay='0', fillfactor='70');
CREATE UNLOGGED SEQUENCE public.pgqueuer_id_seq
START WITH 1
INCREMENT BY 1
NO MINVALUE
NO MAXVALUE
CACHE 1;
ALTER SEQUENCE public.pgqueuer_id_seq OWNED BY public.pgqueuer.id;
CREATE UNLOGGED TABLE public.pgqueuer_log (
id bigint NOT NULL,
created timestamp with time zone DEFAULT now() NOT NULL,
job_id bigint NOT NULL,
status public.pgqueuer_status NOT NULL,
priority integer NOT NULL,
entrypoint text NOT NULL,
traceback jsonb,
aggregated boolean DEFAULT false
)
WITH (autovacuum_vacuum_scale_factor='0.95', autovacuum_vacuum_threshold='1000000', autovacuum_analyze_scale_factor='0.05', autovacuum_analyze_threshold='10000');
ALTER TABLE public.pgqueuer_log ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.pgqueuer_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE UNLOGGED TABLE public.pgqueuer_schedules (
id bigint NOT NULL,
expression text NOT NULL,
entrypoint text NOT NULL,
heartbeat timestamp with time zone DEFAULT now() NOT NULL,
created timestamp with time zone DEFAULT now() NOT NULL,
updated timestamp with time zone DEFAULT now() NOT NULL,
next_run timestamp with time zone DEFAULT now() NOT NULL,
last_run timestamp with time zone,
status public.pgqueuer_status DEFAULT 'queued'::public.pgqueuer_status
)
WITH (autovacuum_vacuum_scale_factor='0.01', autovacuum_vacuum_threshold='1000', autovacuum_analyze_scale_factor='0.02', autovacuum_analyze_threshold='500', autovacuum_vacuum_cost_limit='10000', autovacuum_vacuum_cost_delay='0', fillfactor='70');
CREATE UNLOGGED SEQUENCE public.pgqueuer_schedules_id_seq
START WITH 1
INCREMENT BY 1
NO MINVALUE
NO MAXVALUE
CACHE 1;
ALTER SEQUENCE public.pgqueuer_schedules_id_seq OWNED BY public.pgqueuer_schedules.id;
CREATE UNLOGGED TABLE public.pgqueuer_statistics (
id bigint NOT NULL,
created timestamp with time zone DEFAULT date_trunc('sec'::text, now()) NOT NULL,
count bigint NOT NULL,
priority integer NOT NULL,
status public.pgqueuer_status NOT NULL,
entrypoint text NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0.95', autovacuum_vacuum_threshold='1000000', autovacuum_analyze_scale_factor='0.05', autovacuum_analyze_threshold='10000');
CREATE UNLOGGED SEQUENCE public.pgqueuer_statistics_id_seq
START WITH 1
INCREMENT BY 1
NO MINVALUE
NO MAXVALUE
CACHE 1;
ALTER SEQUENCE public.pgqueuer_statistics_id_seq OWNED BY public.pgqueuer_statistics.id;
CREATE TABLE public.replay (
id bigint NOT NULL,
instance_id bigint NOT NULL,
kind text NOT NULL,
url text,
failed_since timestamp with time zone,
first_id bigint NOT NULL,
last_id bigint NOT NULL,
"position" bigint NOT NULL,
state text DEFAULT 'running'::text NOT NULL,
sent bigint DEFAULT 0 NOT NULL,
dead bigint DEFAULT 0 NOT NULL,
failures integer DEFAULT 0 NOT NULL,
refusals integer DEFAULT 0 NOT NULL,
due_at timestamp with time zone,
next_attempt_at timestamp with time zone NOT NULL,
leased_by uuid,
last_error text,
created_at timestamp with time zone NOT NULL,
ended_at timestamp with time zone,
CONSTRAINT replay_kind_check CHECK ((kind = ANY (ARRAY['one'::text, 'failed'::text, 'range'::text]))),
CONSTRAINT replay_state_check CHECK ((state = ANY (ARRAY['running'::text, 'done'::text, 'failed'::text, 'cancelled'::text])))
);
ALTER TABLE public.replay ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.replay_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.resource_poll (
instance_id bigint NOT NULL,
resource text NOT NULL,
configuration jsonb NOT NULL,
watermark jsonb,
version bigint DEFAULT 0 NOT NULL,
last_success_at timestamp with time zone,
last_error text,
last_error_at timestamp with time zone,
id bigint NOT NULL,
failures integer DEFAULT 0 NOT NULL,
retry_at timestamp with time zone,
disabled_at timestamp with time zone,
remark text,
source text,
remembered integer DEFAULT 0 NOT NULL,
forgotten_before timestamp with time zone
)
WITH (fillfactor='80', autovacuum_vacuum_scale_factor='0.05', autovacuum_vacuum_threshold='1000');
ALTER TABLE public.resource_poll ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.resource_poll_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.session (
id bigint NOT NULL,
token_hash bytea NOT NULL,
member_id bigint NOT NULL,
created_at timestamp with time zone NOT NULL,
seen_at timestamp with time zone NOT NULL,
expires_at timestamp with time zone NOT NULL,
agent text NOT NULL,
address text NOT NULL
);
ALTER TABLE public.session ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.session_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.sign_in_failure (
subject bytea NOT NULL,
failed_at timestamp with time zone NOT NULL
);
CREATE TABLE public.worker (
id uuid NOT NULL,
heartbeat_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY public.attempt ATTACH PARTITION public.attempt_20261127_180000 FOR VALUES FROM ('2026-11-27 18:00:00+00') TO ('2026-11-29 12:00:00+00');
ALTER TABLE ONLY public.attempt ATTACH PARTITION public.attempt_rest DEFAULT;
ALTER TABLE ONLY public.event ATTACH PARTITION public.event_20261127_180000 FOR VALUES FROM ('2026-11-27 18:00:00+00') TO ('2026-11-29 12:00:00+00');
ALTER TABLE ONLY public.event ATTACH PARTITION public.event_rest DEFAULT;
ALTER TABLE ONLY public.notification ATTACH PARTITION public.notification_20261127_180000 FOR VALUES FROM ('2026-11-27 18:00:00+00') TO ('2026-11-29 12:00:00+00');
ALTER TABLE ONLY public.notification ATTACH PARTITION public.notification_rest DEFAULT;
ALTER TABLE ONLY public.page ATTACH PARTITION public.page_20261127_180000 FOR VALUES FROM ('2026-11-27 18:00:00+00') TO ('2026-11-29 12:00:00+00');
ALTER TABLE ONLY public.page ATTACH PARTITION public.page_rest DEFAULT;
ALTER TABLE ONLY public.notification ALTER COLUMN id SET DEFAULT nextval('public.notification_number'::regclass);
ALTER TABLE ONLY public.page ALTER COLUMN id SET DEFAULT nextval('public.page_number'::regclass);
ALTER TABLE ONLY public.pgqueuer ALTER COLUMN id SET DEFAULT nextval('public.pgqueuer_id_seq'::regclass);
ALTER TABLE ONLY public.pgqueuer_schedules ALTER COLUMN id SET DEFAULT nextval('public.pgqueuer_schedules_id_seq'::regclass);
ALTER TABLE ONLY public.pgqueuer_statistics ALTER COLUMN id SET DEFAULT nextval('public.pgqueuer_statistics_id_seq'::regclass);
INSERT INTO public.alembic_version VALUES
	('0006');
INSERT INTO public.attempt_20261127_180000 VALUES
	(9000001, 1, '2026-11-29 09:35:16.754856+00', 9, 200, NULL, NULL, 0),
	(9000002, 1, '2026-11-29 09:35:18.728887+00', 1, NULL, 'nobody listens at 127.0.0.1 on port 8099', NULL, 0),
	(9000003, 1, '2026-11-29 09:35:18.738824+00', 1, 200, NULL, NULL, 0),
	(9000005, 1, '2026-11-29 09:35:20.741836+00', 1, 200, NULL, NULL, 0),
	(9000001, 1, '2026-11-29 09:35:22.751806+00', 1, 200, NULL, NULL, 1),
	(9000003, 1, '2026-11-29 09:35:22.754655+00', 1, 200, NULL, NULL, 1),
	(9000005, 1, '2026-11-29 09:35:22.756181+00', 1, 200, NULL, NULL, 1);
INSERT INTO public.credential VALUES
	(100001, '\x6741414141414272435f485369722d4842756941576934682d684b795a317a7244504d545254474863776c4f7a686b6c30384a42784d55576f716d33324a6b3177397535347276516a38726f62627276703073323832445a7a5177356a337778305a4967426f6950592d4f476e677255524e574739784c7654326d6947304e456d69367552754248426d387a48586e46764574445f385473656d5450326c45595f346c3854454a554967456534743744586c744b4d2d586c3666344e7350366738494b4a364d6d6a675449797267513178443464624f526b655154586e544733397457356759572d566c6774552d554277446e495f42475f3566573649414f35337551734e545733354b4869', 0),
	(100002, '\x6741414141414272435f48554d7a70313465375f5831334753433457587069724259756f44582d5a73787a776e6d516f7255444c4e5a426a752d79354974366a5468706f305458495f75614e6e75667177514c4c35334d43625a353563564d555f4a73654f30766e394e755a344e78784c53594a5945655849534c7053394b6441575673544f736844526f6e53427934366a68765465336332646d6878714f317949414f624b3868366275555030696962425241616b704f573963664147504e50705148674a564c65424e4732514b723835494f6b617961703478676b72463967423930686a77324b56556730676a62773941585857665f47486b616c4b5f61465150584d654d4e2d4e754f', 0);
INSERT INTO public.endpoint VALUES
	(100002, 'http://127.0.0.1:8099/events', 'active', '2026-11-30 10:56:31.800595+00', 2, 2, NULL, 0, '2026-11-29 09:35:18.752028+00', 'nobody listens at 127.0.0.1 on port 8099', NULL),
	(100001, 'http://127.0.0.1:8098', 'active', NULL, 3, 3, NULL, 0, NULL, NULL, NULL);
INSERT INTO public.event_20261127_180000 VALUES
	('de07c7e4-72a0-5935-8d1d-30840cf8ae54', 100001, 1, 1, 0, 9000001, 'events', '95870533-41d4-4762-a22a-0ad48d37a4a1', 'file', 'CREATED', '2026-11-29 09:35:15+00', '2026-11-29 09:35:16.713145+00', '/Shared/plan-1716.pptx'),
	('6ef36beb-6c2b-53e6-a5fb-bee1873bbb74', 100002, 1, 2, 0, 9000002, 'events', '/Shared/Finance (919449)', 'folder', 'CREATED', '2026-11-29 09:35:17+00', '2026-11-29 09:35:18.717793+00', '/Shared/Finance (919449)'),
	('48fb9dc8-9e69-5548-ae92-ec42a6519d70', 100001, 2, 3, 0, 9000003, 'events', '/Shared/Finance (919449)', 'folder', 'CREATED', '2026-11-29 09:35:17+00', '2026-11-29 09:35:18.727299+00', '/Shared/Finance (919449)'),
	('84f6bf12-432a-50b5-9047-279ea6000365', 100002, 2, 4, 0, 9000004, 'events', 'dbd63949-49b2-4166-8e8f-0eb043f056a8', 'file', 'CREATED', '2026-11-29 09:35:20+00', '2026-11-29 09:35:20.253501+00', '/Shared/Finance (919449)/budget-1182.pdf'),
	('336f1686-e82f-5657-899d-af89fcd9e00c', 100001, 3, 5, 0, 9000005, 'events', 'dbd63949-49b2-4166-8e8f-0eb043f056a8', 'file', 'CREATED', '2026-11-29 09:35:20+00', '2026-11-29 09:35:20.734184+00', '/Shared/Finance (919449)/budget-1182.pdf');
INSERT INTO public.event_hour VALUES
	(100002, '2026-11-29 09:00:00+00', 2),
	(100001, '2026-11-29 09:00:00+00', 3);
INSERT INTO public.gap OVERRIDING SYSTEM VALUE VALUES
	(1, 100001, 'events', 1000, 'the watermark is no longer kept', '{}', '{}', '2026-11-29 09:35:22.778148+00');
INSERT INTO public.instance OVERRIDING SYSTEM VALUE VALUES
	(100001, 1001, 3001, 'egnyte', 'API_Polling', '{Test}', '{"subdomain": "acme", "oauth.scope": "Egnyte.filesystem Egnyte.link", "event.vendor.type": "polling", "oauth.callback.url": "https://app.example.com/connected", "event.notification.enabled": "true", "event.poller.configuration": "{\"events\":{\"url\":\"/hubs/documents/events\",\"idField\":\"event_object_id\",\"datesConfiguration\":{\"updatedAtField\":\"event_date\",\"updatedAtFormat\":\"yyyy-MM-dd''T''HH:mm:ss.SSSX\",\"updatedAtTimezone\":\"GMT\",\"createdAtField\":\"event_date\",\"createdAtFormat\":\"yyyy-MM-dd''T''HH:mm:ss.SSSX''\",\"createdAtTimezone\":\"GMT\"}}}", "event.poller.refresh_interval": "0.0033333333333333335", "event.notification.callback.url": "http://127.0.0.1:8098"}', '\x6741414141414272435f485369424e35775a4651615a373864446d6f6d566c457654676576346f4966715f527764536854567a334c784a6268376e354a304838496f644861615273345765524c6e3433694f78677865703859504430784177336763424439466564414c6c784a7359754a682d4e4d6d57463270702d6342336238556c4632384d5f6533654f7a784d7a6f364a796d646467324f56446e514e315965426c4a773665654339413643614d635a5a4a517a4b384b4d347257775868784e497a4b48477a55594934664e34733253554c436b4f654867493137585f6a45466a6d6741686c4a366d5a6b30426e37334f4a717a75717342385230516c634a6d792d542d636a673370646762423241736f7a59684e5048523456714e7a4947454d334a62337a46643763426b415a614f686c646a6f7857354262617943654d6846435f6c5a50504c2d59', '\x5b5e9c68b44bfc7f3fdc18e80e1d8f70f3600c1ecf22bbaddc8f7cb3ec45a901', 'http://127.0.0.1:8090#1', 'admin', false, true, false, 0.2, '2026-11-29 09:35:22.751316+00', '2026-11-29 09:35:22.745342+00', '2026-11-29 09:35:14.915915+00', '{"used": 11, "resetsAt": "2026-11-30T00:00:00+00:00", "callsADay": 10000000, "callsAPoll": [1, 1, 1, 1, 1]}', '2026-11-29 09:35:22.745342+00', NULL, 1),
	(100002, 1001, 3001, 'egnyte', 'API_Polling', '{Test}', '{"subdomain": "acme", "oauth.scope": "Egnyte.filesystem Egnyte.link", "event.vendor.type": "polling", "oauth.callback.url": "https://app.example.com/connected", "event.notification.enabled": "true", "event.poller.configuration": "{\"events\":{\"url\":\"/hubs/documents/events\",\"idField\":\"event_object_id\",\"datesConfiguration\":{\"updatedAtField\":\"event_date\",\"updatedAtFormat\":\"yyyy-MM-dd''T''HH:mm:ss.SSSX\",\"updatedAtTimezone\":\"GMT\",\"createdAtField\":\"event_date\",\"createdAtFormat\":\"yyyy-MM-dd''T''HH:mm:ss.SSSX''\",\"createdAtTimezone\":\"GMT\"}}}", "event.poller.refresh_interval": "15", "event.notification.callback.url": "http://127.0.0.1:8099/events"}', '\x6741414141414272435f4855566370366b6a44446770474a5f48314275732d4f354c41687530512d69515f4b4741786a68732d75725f35556b3944314b5a6c7a56645670466f7344334d56464f5a6d2d4b5774347a4a665064434d73635f6a3669304336784659574938544b4770795a787042476b5530584250316a73674a70414743524f64384142696b655344552d4f473956464c6f6446324b5f674b7a72642d4f4e5769434c4b3436344676366c303576534c677351734a72476a505a6c2d4174674f4d43794539315f456d624d2d35706a417070594f696c344d61695164466f684164346a4b30716a684d3262682d4b4238727a4d4d38376d73745a4e4e5a6547624b536f44754d444153384f53742d3741455052357a32594f38383371587446537836696c584d48533930756f612d426a5767716a626a57442d38796855665542766a457a326277', '\xa0edfb643b72f8fcb27336719895e0ff16ef66cfdcb63be99bbb93db0777c28a', 'http://127.0.0.1:8090#1', 'admin', false, true, false, 900, '2026-11-29 09:39:38.192469+00', '2026-11-29 09:35:20.251662+00', '2026-11-29 09:35:16.789348+00', '{"used": 6, "resetsAt": "2026-11-30T00:00:00+00:00", "callsADay": 10000000, "callsAPoll": [3, 1, 1]}', '2026-11-29 09:35:20.251662+00', NULL, 3);
INSERT INTO public.invitation OVERRIDING SYSTEM VALUE VALUES
	(1, '\x43cca2c7d3b92fd4d578fe5f60f0f8b1b116d61c8dd6821438a7cdecccbbddd4', NULL, NULL, 'admin', NULL, '2026-11-29 09:35:14.72449+00', '2026-11-30 09:35:14.72449+00', NULL, NULL);
INSERT INTO public.member OVERRIDING SYSTEM VALUE VALUES
	(3001, 1001, 'ada@example.com', '2026-11-29 09:35:14.612361+00', 'admin', NULL, NULL);
INSERT INTO public.member_secret OVERRIDING SYSTEM VALUE VALUES
	('\xf972f7bce3e1108d281ed3012421a914380702b35f6112a581e4e1987dd2bd20', 3001, '2026-11-29 09:35:14.612361+00', 1);
INSERT INTO public.notification_20261127_180000 VALUES
	(9000002, 100002, 1, 2, 'pending', 1, 1, '2026-11-30 10:56:31.800595+00', '2026-11-29 09:35:18.717793+00', NULL, 0, NULL, '\x5b5b2236656633366265622d366332622d353365362d613566622d626565313837336262623734222c312c222f5368617265642f46696e616e6365202839313934343929222c22666f6c646572222c2243524541544544222c22323032362d31312d32395430393a33353a31372b30303a3030222c305d5d'),
	(9000003, 100001, 2, 3, 'delivered', 1, 0, '2026-11-29 09:35:18.727299+00', '2026-11-29 09:35:18.727299+00', '2026-11-29 09:35:18.739824+00', 0, NULL, '\x5b5b2234386662396463382d396536392d353534382d616539322d656334326136353139643730222c322c222f5368617265642f46696e616e6365202839313934343929222c22666f6c646572222c2243524541544544222c22323032362d31312d32395430393a33353a31372b30303a3030222c305d5d'),
	(9000004, 100002, 2, 4, 'pending', 0, 0, '2026-11-29 09:35:20.253501+00', '2026-11-29 09:35:20.253501+00', NULL, 0, NULL, '\x5b5b2238346636626631322d343332612d353062352d393034372d323739656136303030333635222c322c2264626436333934392d343962322d343136362d386538662d306562303433663035366138222c2266696c65222c2243524541544544222c22323032362d31312d32395430393a33353a32302b30303a3030222c305d5d'),
	(9000005, 100001, 3, 5, 'delivered', 1, 0, '2026-11-29 09:35:20.734184+00', '2026-11-29 09:35:20.734184+00', '2026-11-29 09:35:20.742836+00', 0, NULL, '\x5b5b2233333666313638362d653832662d353635372d383939642d616638396663643965303063222c332c2264626436333934392d343962322d343136362d386538662d306562303433663035366138222c2266696c65222c2243524541544544222c22323032362d31312d32395430393a33353a32302b30303a3030222c305d5d'),
	(9000001, 100001, 1, 1, 'dead', 1, 0, '2026-11-29 09:35:16.713145+00', '2026-11-29 09:35:16.713145+00', '2026-11-29 09:35:16.763856+00', 0, '2026-11-29 09:35:22.776096+00', '\x5b5b2264653037633765342d373261302d353933352d386431642d333038343063663861653534222c312c2239353837303533332d343164342d343736322d613232612d306164343864333761346131222c2266696c65222c2243524541544544222c22323032362d31312d32395430393a33353a31352b30303a3030222c305d5d');
INSERT INTO public.object_memory VALUES
	(1, '\xcdc79591762ad3967bf9acda56460071', '95870533-41d4-4762-a22a-0ad48d37a4a1', 'file', '', NULL, '2026-11-29 09:35:16.713001+00'),
	(2, '\x4a065175558eeaf8df68b59a94991ac8', '/Shared/Finance (919449)', 'folder', '', NULL, '2026-11-29 09:35:18.717718+00'),
	(1, '\x4a065175558eeaf8df68b59a94991ac8', '/Shared/Finance (919449)', 'folder', '', NULL, '2026-11-29 09:35:18.727203+00'),
	(2, '\x05435a32f4bad6dd62c0cbad4ca92582', 'dbd63949-49b2-4166-8e8f-0eb043f056a8', 'file', '', NULL, '2026-11-29 09:35:20.253433+00'),
	(1, '\x05435a32f4bad6dd62c0cbad4ca92582', 'dbd63949-49b2-4166-8e8f-0eb043f056a8', 'file', '', NULL, '2026-11-29 09:35:20.734032+00');
INSERT INTO public.organization OVERRIDING SYSTEM VALUE VALUES
	(1001, 'Acme', '2026-11-29 09:35:14.612361+00');
INSERT INTO public.organization_secret OVERRIDING SYSTEM VALUE VALUES
	('\x22fdb40a819c90f9a9f039004070de5961d8f3a89cbf423a9b9724e0b3ae5e81', 1001, '2026-11-29 09:35:14.612361+00', 1);
INSERT INTO public.page_20261127_180000 VALUES
	(1, 100001, '2026-11-29 09:35:16.713145+00', '{"hub": "documents", "user_id": 3001, "full_raw": false, "resource": "events", "connector": "egnyte", "instance_name": "API_Polling", "instance_tags": ["Test"], "organization_id": 1001}', '{"{\"id\":1,\"timestamp\":\"2026-11-29T09:35:15.000Z\",\"actor\":7,\"type\":\"file_system\",\"action\":\"copy\",\"data\":{\"source_path\":\"/Shared/Projects/Archive/plan-1716.pptx\",\"target_path\":\"/Shared/plan-1716.pptx\",\"source_id\":\"b4538451-e24c-4c73-99e4-8a32629e18d5\",\"target_id\":\"9ca2dc98-5f42-4790-a08c-1b9ce3642541\",\"source_group_id\":\"2861917e-23e6-4c1e-ae0c-671584ee8ca9\",\"target_group_id\":\"95870533-41d4-4762-a22a-0ad48d37a4a1\",\"is_folder\":false},\"action_source\":\"System\",\"object_detail\":\"http://127.0.0.1:8090/pubapi/v1/fs/Shared/plan-1716.pptx\",\"event_object_id\":\"95870533-41d4-4762-a22a-0ad48d37a4a1\",\"event_object_type\":\"file\",\"event_type\":\"CREATED\",\"event_date\":\"2026-11-29T09:35:15.000Z\"}"}'),
	(2, 100002, '2026-11-29 09:35:18.717793+00', '{"hub": "documents", "user_id": 3001, "full_raw": false, "resource": "events", "connector": "egnyte", "instance_name": "API_Polling", "instance_tags": ["Test"], "organization_id": 1001}', '{"{\"id\":2,\"timestamp\":\"2026-11-29T09:35:17.000Z\",\"actor\":7,\"type\":\"file_system\",\"action\":\"copy\",\"data\":{\"source_path\":\"/Shared/Finance\",\"target_path\":\"/Shared/Finance (919449)\",\"is_folder\":true},\"action_source\":\"System\",\"object_detail\":\"http://127.0.0.1:8090/pubapi/v1/fs/Shared/Finance%20%28919449%29\",\"event_object_id\":\"/Shared/Finance (919449)\",\"event_object_type\":\"folder\",\"event_type\":\"CREATED\",\"event_date\":\"2026-11-29T09:35:17.000Z\"}"}'),
	(3, 100001, '2026-11-29 09:35:18.727299+00', '{"hub": "documents", "user_id": 3001, "full_raw": false, "resource": "events", "connector": "egnyte", "instance_name": "API_Polling", "instance_tags": ["Test"], "organization_id": 1001}', '{"{\"id\":2,\"timestamp\":\"2026-11-29T09:35:17.000Z\",\"actor\":7,\"type\":\"file_system\",\"action\":\"copy\",\"data\":{\"source_path\":\"/Shared/Finance\",\"target_path\":\"/Shared/Finance (919449)\",\"is_folder\":true},\"action_source\":\"System\",\"object_detail\":\"http://127.0.0.1:8090/pubapi/v1/fs/Shared/Finance%20%28919449%29\",\"event_object_id\":\"/Shared/Finance (919449)\",\"event_object_type\":\"folder\",\"event_type\":\"CREATED\",\"event_date\":\"2026-11-29T09:35:17.000Z\"}"}'),
	(4, 100002, '2026-11-29 09:35:20.253501+00', '{"hub": "documents", "user_id": 3001, "full_raw": false, "resource": "events", "connector": "egnyte", "instance_name": "API_Polling", "instance_tags": ["Test"], "organization_id": 1001}', '{"{\"id\":3,\"timestamp\":\"2026-11-29T09:35:20.000Z\",\"actor\":1,\"type\":\"file_system\",\"action\":\"create\",\"data\":{\"target_path\":\"/Shared/Finance (919449)/budget-1182.pdf\",\"target_id\":\"11530ea5-ea8e-45be-8fd7-4cad828d2b9a\",\"target_group_id\":\"dbd63949-49b2-4166-8e8f-0eb043f056a8\",\"is_folder\":false},\"action_source\":\"SyncEngine\",\"object_detail\":\"http://127.0.0.1:8090/pubapi/v1/fs/Shared/Finance%20%28919449%29/budget-1182.pdf\",\"event_object_id\":\"dbd63949-49b2-4166-8e8f-0eb043f056a8\",\"event_object_type\":\"file\",\"event_type\":\"CREATED\",\"event_date\":\"2026-11-29T09:35:20.000Z\"}"}'),
	(5, 100001, '2026-11-29 09:35:20.734184+00', '{"hub": "documents", "user_id": 3001, "full_raw": false, "resource": "events", "connector": "egnyte", "instance_name": "API_Polling", "instance_tags": ["Test"], "organization_id": 1001}', '{"{\"id\":3,\"timestamp\":\"2026-11-29T09:35:20.000Z\",\"actor\":1,\"type\":\"file_system\",\"action\":\"create\",\"data\":{\"target_path\":\"/Shared/Finance (919449)/budget-1182.pdf\",\"target_id\":\"11530ea5-ea8e-45be-8fd7-4cad828d2b9a\",\"target_group_id\":\"dbd63949-49b2-4166-8e8f-0eb043f056a8\",\"is_folder\":false},\"action_source\":\"SyncEngine\",\"object_detail\":\"http://127.0.0.1:8090/pubapi/v1/fs/Shared/Finance%20%28919449%29/budget-1182.pdf\",\"event_object_id\":\"dbd63949-49b2-4166-8e8f-0eb043f056a8\",\"event_object_type\":\"file\",\"event_type\":\"CREATED\",\"event_date\":\"2026-11-29T09:35:20.000Z\"}"}');
INSERT INTO public.replay OVERRIDING SYSTEM VALUE VALUES
	(1, 100001, 'range', NULL, NULL, 9000001, 9000005, 9000005, 'done', 3, 0, 0, 0, NULL, '2026-11-29 09:35:21.772132+00', NULL, NULL, '2026-11-29 09:35:21.772132+00', '2026-11-29 09:35:22.758234+00');
INSERT INTO public.resource_poll OVERRIDING SYSTEM VALUE VALUES
	(100001, 'events', '{"url": "/hubs/documents/events", "idField": "event_object_id", "datesConfiguration": {"createdAtField": "event_date", "updatedAtField": "event_date", "createdAtFormat": "yyyy-MM-dd''T''HH:mm:ss.SSSX''", "updatedAtFormat": "yyyy-MM-dd''T''HH:mm:ss.SSSX", "createdAtTimezone": "GMT", "updatedAtTimezone": "GMT"}}', '{"id": 3}', 5, NULL, NULL, NULL, 1, 0, NULL, NULL, NULL, 'feed events', 3, NULL),
	(100002, 'events', '{"url": "/hubs/documents/events", "idField": "event_object_id", "datesConfiguration": {"createdAtField": "event_date", "updatedAtField": "event_date", "createdAtFormat": "yyyy-MM-dd''T''HH:mm:ss.SSSX''", "updatedAtFormat": "yyyy-MM-dd''T''HH:mm:ss.SSSX", "createdAtTimezone": "GMT", "updatedAtTimezone": "GMT"}}', '{"id": 3}', 4, NULL, NULL, NULL, 2, 0, NULL, NULL, NULL, 'feed events', 2, NULL);
SELECT pg_catalog.setval('public.application_id_seq', 1, false);
SELECT pg_catalog.setval('public.audit_id_seq', 1, false);
SELECT pg_catalog.setval('public.gap_id_seq', 1, true);
SELECT pg_catalog.setval('public.instance_id_seq', 100002, true);
SELECT pg_catalog.setval('public.invitation_id_seq', 1, true);
SELECT pg_catalog.setval('public.member_id_seq', 3001, true);
SELECT pg_catalog.setval('public.member_secret_id_seq', 1, true);
SELECT pg_catalog.setval('public.notification_number', 9000005, true);
SELECT pg_catalog.setval('public.operation_notice_id_seq', 1, false);
SELECT pg_catalog.setval('public.organization_id_seq', 1001, true);
SELECT pg_catalog.setval('public.organization_secret_id_seq', 1, true);
SELECT pg_catalog.setval('public.page_number', 5, true);
SELECT pg_catalog.setval('public.replay_id_seq', 1, true);
SELECT pg_catalog.setval('public.resource_poll_id_seq', 2, true);
SELECT pg_catalog.setval('public.session_id_seq', 1, false);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.application
    ADD CONSTRAINT application_organization_id_connector_name_key UNIQUE (organization_id, connector, name);
ALTER TABLE ONLY public.application
    ADD CONSTRAINT application_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.attempt
    ADD CONSTRAINT attempt_pkey PRIMARY KEY (notification_id, replay_id, number, started_at);
ALTER TABLE ONLY public.attempt_20261127_180000
    ADD CONSTRAINT attempt_pkey_20261127_180000 PRIMARY KEY (notification_id, replay_id, number, started_at);
ALTER TABLE ONLY public.attempt_rest
    ADD CONSTRAINT attempt_pkey_rest PRIMARY KEY (notification_id, replay_id, number, started_at);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.connection
    ADD CONSTRAINT connection_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.credential
    ADD CONSTRAINT credential_pkey PRIMARY KEY (instance_id);
ALTER TABLE ONLY public.endpoint
    ADD CONSTRAINT endpoint_pkey PRIMARY KEY (instance_id);
ALTER TABLE ONLY public.event_hour
    ADD CONSTRAINT event_hour_pkey PRIMARY KEY (instance_id, begin_at);
ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (id, polled_at);
ALTER TABLE ONLY public.event_20261127_180000
    ADD CONSTRAINT event_pkey_20261127_180000 PRIMARY KEY (id, polled_at);
ALTER TABLE ONLY public.event_rest
    ADD CONSTRAINT event_pkey_rest PRIMARY KEY (id, polled_at);
ALTER TABLE ONLY public.gap
    ADD CONSTRAINT gap_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.instance
    ADD CONSTRAINT instance_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.instance
    ADD CONSTRAINT instance_token_hash_key UNIQUE (token_hash);
ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT invitation_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT invitation_token_hash_key UNIQUE (token_hash);
ALTER TABLE ONLY public.member
    ADD CONSTRAINT member_organization_id_email_key UNIQUE (organization_id, email);
ALTER TABLE ONLY public.member
    ADD CONSTRAINT member_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.member_secret
    ADD CONSTRAINT member_secret_id_key UNIQUE (id);
ALTER TABLE ONLY public.member_secret
    ADD CONSTRAINT member_secret_pkey PRIMARY KEY (secret_hash);
ALTER TABLE ONLY public.notification
    ADD CONSTRAINT notification_pkey PRIMARY KEY (id, created_at);
ALTER TABLE ONLY public.notification_20261127_180000
    ADD CONSTRAINT notification_pkey_20261127_180000 PRIMARY KEY (id, created_at);
ALTER TABLE ONLY public.notification_rest
    ADD CONSTRAINT notification_pkey_rest PRIMARY KEY (id, created_at);
ALTER TABLE ONLY public.object_memory
    ADD CONSTRAINT object_memory_pkey PRIMARY KEY (poll_id, object_key);
ALTER TABLE ONLY public.operation_notice
    ADD CONSTRAINT operation_notice_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.organization
    ADD CONSTRAINT organization_name_key UNIQUE (name);
ALTER TABLE ONLY public.organization
    ADD CONSTRAINT organization_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.organization_secret
    ADD CONSTRAINT organization_secret_id_key UNIQUE (id);
ALTER TABLE ONLY public.organization_secret
    ADD CONSTRAINT organization_secret_pkey PRIMARY KEY (secret_hash);
ALTER TABLE ONLY public.page
    ADD CONSTRAINT page_pkey PRIMARY KEY (id, polled_at);
ALTER TABLE ONLY public.page_20261127_180000
    ADD CONSTRAINT page_pkey_20261127_180000 PRIMARY KEY (id, polled_at);
ALTER TABLE ONLY public.page_rest
    ADD CONSTRAINT page_pkey_rest PRIMARY KEY (id, polled_at);
ALTER TABLE ONLY public.pgqueuer_log
    ADD CONSTRAINT pgqueuer_log_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.pgqueuer
    ADD CONSTRAINT pgqueuer_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.pgqueuer_schedules
    ADD CONSTRAINT pgqueuer_schedules_expression_entrypoint_key UNIQUE (expression, entrypoint);
ALTER TABLE ONLY public.pgqueuer_schedules
    ADD CONSTRAINT pgqueuer_schedules_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.pgqueuer_statistics
    ADD CONSTRAINT pgqueuer_statistics_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.replay
    ADD CONSTRAINT replay_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.resource_poll
    ADD CONSTRAINT resource_poll_id_key UNIQUE (id);
ALTER TABLE ONLY public.resource_poll
    ADD CONSTRAINT resource_poll_pkey PRIMARY KEY (instance_id, resource);
ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_token_hash_key UNIQUE (token_hash);
ALTER TABLE ONLY public.worker
    ADD CONSTRAINT worker_pkey PRIMARY KEY (id);
CREATE INDEX audit_of_instance ON public.audit USING btree (instance_id, id) WHERE (instance_id IS NOT NULL);
CREATE INDEX audit_of_organization ON public.audit USING btree (organization_id, id);
CREATE INDEX connection_of_organization ON public.connection USING btree (organization_id, created_at);
CREATE INDEX endpoint_due ON public.endpoint USING btree (due_at) WHERE (due_at IS NOT NULL);
CREATE INDEX endpoint_failing ON public.endpoint USING btree (instance_id) WHERE (failing_since IS NOT NULL);
CREATE INDEX endpoint_leased ON public.endpoint USING btree (leased_by) WHERE (leased_by IS NOT NULL);
CREATE INDEX event_object ON ONLY public.event USING hash (object_id);
CREATE INDEX event_object_20261127_180000 ON public.event_20261127_180000 USING hash (object_id);
CREATE INDEX event_object_rest ON public.event_rest USING hash (object_id);
CREATE INDEX event_of_instance ON ONLY public.event USING btree (instance_id, sequence);
CREATE INDEX event_of_instance_20261127_180000 ON public.event_20261127_180000 USING btree (instance_id, sequence);
CREATE INDEX event_of_instance_rest ON public.event_rest USING btree (instance_id, sequence);
CREATE INDEX event_of_notification ON ONLY public.event USING btree (notification_id);
CREATE INDEX event_of_notification_20261127_180000 ON public.event_20261127_180000 USING btree (notification_id);
CREATE INDEX event_of_notification_rest ON public.event_rest USING btree (notification_id);
CREATE INDEX event_recent ON ONLY public.event USING btree (polled_at, instance_id, sequence);
CREATE INDEX event_recent_20261127_180000 ON public.event_20261127_180000 USING btree (polled_at, instance_id, sequence);
CREATE INDEX event_recent_rest ON public.event_rest USING btree (polled_at, instance_id, sequence);
CREATE INDEX gap_of_instance ON public.gap USING btree (instance_id, id);
CREATE INDEX instance_due ON public.instance USING btree (next_poll_at) WHERE (next_poll_at IS NOT NULL);
CREATE INDEX instance_not_valid ON public.instance USING btree (id) WHERE (NOT valid);
CREATE INDEX instance_of_organization ON public.instance USING btree (organization_id, id);
CREATE INDEX instance_throttled ON public.instance USING btree (throttled_until) WHERE (throttled_until IS NOT NULL);
CREATE INDEX invitation_of_organization ON public.invitation USING btree (organization_id, id);
CREATE UNIQUE INDEX member_account ON public.member USING btree (lower(email)) WHERE (password_hash IS NOT NULL);
CREATE INDEX notification_dead ON ONLY public.notification USING btree (instance_id, id) WHERE (state = 'dead'::text);
CREATE INDEX notification_dead_20261127_180000 ON public.notification_20261127_180000 USING btree (instance_id, id) WHERE (state = 'dead'::text);
CREATE INDEX notification_dead_rest ON public.notification_rest USING btree (instance_id, id) WHERE (state = 'dead'::text);
CREATE INDEX notification_of_instance ON ONLY public.notification USING btree (instance_id, id);
CREATE INDEX notification_of_instance_20261127_180000 ON public.notification_20261127_180000 USING btree (instance_id, id);
CREATE INDEX notification_of_instance_rest ON public.notification_rest USING btree (instance_id, id);
CREATE INDEX notification_of_page ON ONLY public.notification USING btree (page_id) WHERE (state = 'pending'::text);
CREATE INDEX notification_of_page_20261127_180000 ON public.notification_20261127_180000 USING btree (page_id) WHERE (state = 'pending'::text);
CREATE INDEX notification_of_page_rest ON public.notification_rest USING btree (page_id) WHERE (state = 'pending'::text);
CREATE INDEX notification_pending ON ONLY public.notification USING btree (instance_id, lane_order) WHERE (state = 'pending'::text);
CREATE INDEX notification_pending_20261127_180000 ON public.notification_20261127_180000 USING btree (instance_id, lane_order) WHERE (state = 'pending'::text);
CREATE INDEX notification_pending_rest ON public.notification_rest USING btree (instance_id, lane_order) WHERE (state = 'pending'::text);
CREATE INDEX operation_notice_due ON public.operation_notice USING btree (due_at);
CREATE INDEX operation_notice_of_instance ON public.operation_notice USING btree (instance_id);
CREATE INDEX page_of_instance ON ONLY public.page USING btree (instance_id, id);
CREATE INDEX page_of_instance_20261127_180000 ON public.page_20261127_180000 USING btree (instance_id, id);
CREATE INDEX page_of_instance_rest ON public.page_rest USING btree (instance_id, id);
CREATE INDEX pgqueuer_ep_ea_idx ON public.pgqueuer USING btree (entrypoint, execute_after) WHERE (status = 'queued'::public.pgqueuer_status);
CREATE INDEX pgqueuer_ep_prio_id_idx ON public.pgqueuer USING btree (entrypoint, priority DESC, id) WHERE (status = 'queued'::public.pgqueuer_status);
CREATE INDEX pgqueuer_log_created ON public.pgqueuer_log USING btree (created);
CREATE INDEX pgqueuer_log_job_id_status ON public.pgqueuer_log USING btree (job_id, created DESC);
CREATE INDEX pgqueuer_log_not_aggregated ON public.pgqueuer_log USING btree ((1)) WHERE (NOT aggregated);
CREATE INDEX pgqueuer_log_status ON public.pgqueuer_log USING btree (status);
CREATE INDEX pgqueuer_picked_heartbeat_idx ON public.pgqueuer USING btree (heartbeat) WHERE (status = 'picked'::public.pgqueuer_status);
CREATE UNIQUE INDEX pgqueuer_picked_slot_idx ON public.pgqueuer USING btree (entrypoint, slot) WHERE ((status = 'picked'::public.pgqueuer_status) AND (slot IS NOT NULL));
CREATE INDEX pgqueuer_priority_id_id1_idx ON public.pgqueuer USING btree (priority, id DESC) INCLUDE (id) WHERE (status = 'queued'::public.pgqueuer_status);
CREATE INDEX pgqueuer_queue_manager_id_idx ON public.pgqueuer USING btree (queue_manager_id) WHERE (queue_manager_id IS NOT NULL);
CREATE UNIQUE INDEX pgqueuer_statistics_unique_count ON public.pgqueuer_statistics USING btree (priority, date_trunc('sec'::text, timezone('UTC'::text, created)), status, entrypoint);
CREATE UNIQUE INDEX pgqueuer_unique_dedupe_key ON public.pgqueuer USING btree (dedupe_key) WHERE ((status = ANY (ARRAY['queued'::public.pgqueuer_status, 'picked'::public.pgqueuer_status])) AND (dedupe_key IS NOT NULL));
CREATE INDEX pgqueuer_updated_id_id1_idx ON public.pgqueuer USING btree (updated, id DESC) INCLUDE (id) WHERE (status = 'picked'::public.pgqueuer_status);
CREATE INDEX replay_due ON public.replay USING btree (due_at) WHERE (due_at IS NOT NULL);
CREATE INDEX replay_of_instance ON public.replay USING btree (instance_id, id);
CREATE INDEX resource_poll_disabled ON public.resource_poll USING btree (instance_id) WHERE (disabled_at IS NOT NULL);
CREATE INDEX resource_poll_failing ON public.resource_poll USING btree (instance_id) WHERE (failures > 0);
CREATE INDEX session_expires ON public.session USING btree (expires_at);
CREATE INDEX session_of_member ON public.session USING btree (member_id, id);
CREATE INDEX sign_in_failure_of_subject ON public.sign_in_failure USING btree (subject, failed_at);
ALTER INDEX public.attempt_pkey ATTACH PARTITION public.attempt_pkey_20261127_180000;
ALTER INDEX public.attempt_pkey ATTACH PARTITION public.attempt_pkey_rest;
ALTER INDEX public.event_object ATTACH PARTITION public.event_object_20261127_180000;
ALTER INDEX public.event_object ATTACH PARTITION public.event_object_rest;
ALTER INDEX public.event_of_instance ATTACH PARTITION public.event_of_instance_20261127_180000;
ALTER INDEX public.event_of_instance ATTACH PARTITION public.event_of_instance_rest;
ALTER INDEX public.event_of_notification ATTACH PARTITION public.event_of_notification_20261127_180000;
ALTER INDEX public.event_of_notification ATTACH PARTITION public.event_of_notification_rest;
ALTER INDEX public.event_pkey ATTACH PARTITION public.event_pkey_20261127_180000;
ALTER INDEX public.event_pkey ATTACH PARTITION public.event_pkey_rest;
ALTER INDEX public.event_recent ATTACH PARTITION public.event_recent_20261127_180000;
ALTER INDEX public.event_recent ATTACH PARTITION public.event_recent_rest;
ALTER INDEX public.notification_dead ATTACH PARTITION public.notification_dead_20261127_180000;
ALTER INDEX public.notification_dead ATTACH PARTITION public.notification_dead_rest;
ALTER INDEX public.notification_of_instance ATTACH PARTITION public.notification_of_instance_20261127_180000;
ALTER INDEX public.notification_of_instance ATTACH PARTITION public.notification_of_instance_rest;
ALTER INDEX public.notification_of_page ATTACH PARTITION public.notification_of_page_20261127_180000;
ALTER INDEX public.notification_of_page ATTACH PARTITION public.notification_of_page_rest;
ALTER INDEX public.notification_pending ATTACH PARTITION public.notification_pending_20261127_180000;
ALTER INDEX public.notification_pending ATTACH PARTITION public.notification_pending_rest;
ALTER INDEX public.notification_pkey ATTACH PARTITION public.notification_pkey_20261127_180000;
ALTER INDEX public.notification_pkey ATTACH PARTITION public.notification_pkey_rest;
ALTER INDEX public.page_of_instance ATTACH PARTITION public.page_of_instance_20261127_180000;
ALTER INDEX public.page_of_instance ATTACH PARTITION public.page_of_instance_rest;
ALTER INDEX public.page_pkey ATTACH PARTITION public.page_pkey_20261127_180000;
ALTER INDEX public.page_pkey ATTACH PARTITION public.page_pkey_rest;
CREATE TRIGGER tg_pgqueuer_changed AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.pgqueuer FOR EACH STATEMENT EXECUTE FUNCTION public.fn_pgqueuer_changed();
ALTER TABLE ONLY public.application
    ADD CONSTRAINT application_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.connection
    ADD CONSTRAINT connection_instance_id_fkey FOREIGN KEY (instance_id) REFERENCES public.instance(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.connection
    ADD CONSTRAINT connection_made_instance_id_fkey FOREIGN KEY (made_instance_id) REFERENCES public.instance(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.connection
    ADD CONSTRAINT connection_member_id_fkey FOREIGN KEY (member_id) REFERENCES public.member(id);
ALTER TABLE ONLY public.connection
    ADD CONSTRAINT connection_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.credential
    ADD CONSTRAINT credential_instance_id_fkey FOREIGN KEY (instance_id) REFERENCES public.instance(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.endpoint
    ADD CONSTRAINT endpoint_instance_id_fkey FOREIGN KEY (instance_id) REFERENCES public.instance(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.event_hour
    ADD CONSTRAINT event_hour_instance_id_fkey FOREIGN KEY (instance_id) REFERENCES public.instance(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.gap
    ADD CONSTRAINT gap_instance_id_fkey FOREIGN KEY (instance_id) REFERENCES public.instance(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.instance
    ADD CONSTRAINT instance_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.instance
    ADD CONSTRAINT instance_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.member(id);
ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT invitation_invited_by_fkey FOREIGN KEY (invited_by) REFERENCES public.member(id);
ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT invitation_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.member
    ADD CONSTRAINT member_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.member_secret
    ADD CONSTRAINT member_secret_member_id_fkey FOREIGN KEY (member_id) REFERENCES public.member(id);
ALTER TABLE ONLY public.operation_notice
    ADD CONSTRAINT operation_notice_instance_id_fkey FOREIGN KEY (instance_id) REFERENCES public.instance(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.organization_secret
    ADD CONSTRAINT organization_secret_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.replay
    ADD CONSTRAINT replay_instance_id_fkey FOREIGN KEY (instance_id) REFERENCES public.instance(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.resource_poll
    ADD CONSTRAINT resource_poll_instance_id_fkey FOREIGN KEY (instance_id) REFERENCES public.instance(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_member_id_fkey FOREIGN KEY (member_id) REFERENCES public.member(id);
