-- Where an API key may be used from: addresses and networks, anywhere when there are none (A-25).

alter table api_key add column ip_allow text[] not null default '{}';
