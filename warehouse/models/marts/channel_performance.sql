-- One row per channel and day, week or month in which it was used: reach, volume, and how long people
-- waited for an answer. A wait counts when it began; one that goes on has no answer yet.
-- grain: tenant_id, channel_id, grain, period_start   reads: marts.channel_days, marts.growth_days, marts.customer_days, marts.replies   touched: touched_periods
with /* touched: days as (
    select unnest(generate_series(
        period_start,
        case grain
            when 'day' then period_start
            when 'week' then period_start + 6
            else last_day(period_start)
        end,
        interval 1 day
    ))::date as day
    from (select distinct grain, period_start from touched_periods)
), */

volumes as (
    select
        tenant_id, channel_id, grain, date_trunc(grain, day)::date as period_start,
        sum(messages_in) as messages_in,
        sum(messages_out) as messages_out,
        sum(conversations_opened_by_people) as conversations_opened_by_people,
        sum(conversations_opened_by_business) as conversations_opened_by_business
    from (select *, unnest(['day', 'week', 'month']) as grain from marts.channel_days)
    group by all
),

beginnings as (
    select
        tenant_id, channel_id, grain, date_trunc(grain, day)::date as period_start,
        sum(new_customers) as new_customers,
        sum(new_customers - contacted) as new_customers_who_wrote
    from (select *, unnest(['day', 'week', 'month']) as grain from marts.growth_days)
    where channel_id is not null
    group by all
),

writers as (
    select tenant_id, channel_id, grain, period_start, count(distinct customer_id) as active_customers
    from (
        select
            tenant_id, channel_id, customer_id,
            unnest(['day', 'week', 'month']) as grain,
            unnest([day, date_trunc('week', day)::date, date_trunc('month', day)::date])
                as period_start
        from marts.customer_days
        /* touched: semi join days using (day) */
        where messages_in > 0
    )
    /* touched: semi join touched_periods using (tenant_id, grain, period_start) */
    group by tenant_id, channel_id, grain, period_start
),

waits as (
    select
        tenant_id, channel_id, grain, period_start,
        count(*) filter (where is_first_response and reply_seconds is null) as unanswered,
        count(reply_seconds) filter (where is_first_response) as first_responses,
        quantile_cont(reply_seconds, [0.5, 0.9]) filter (where is_first_response) as first,
        count(*) filter (where is_first_response and reply_seconds < 3600) as in_1_hour,
        count(*) filter (where is_first_response and reply_seconds between 3600 and 14399) as in_4_hours,
        count(*) filter (where is_first_response and reply_seconds between 14400 and 28799) as in_8_hours,
        count(*) filter (where is_first_response and reply_seconds between 28800 and 86399) as in_24_hours,
        count(*) filter (where is_first_response and reply_seconds >= 86400) as later,
        count(reply_seconds) as replies,
        quantile_cont(reply_seconds, [0.5, 0.9]) as any_reply
    from (
        select
            tenant_id, channel_id, is_first_response, reply_seconds,
            unnest(['day', 'week', 'month']) as grain,
            unnest([waiting_on, date_trunc('week', waiting_on)::date, date_trunc('month', waiting_on)::date])
                as period_start
        from marts.replies
        /* touched: semi join days on days.day = replies.waiting_on */
    )
    /* touched: semi join touched_periods using (tenant_id, grain, period_start) */
    group by tenant_id, channel_id, grain, period_start
),

together as (
    select
        *,
        sum(new_customers) over tenant as new_customers_of_all,
        row_number() over (
            tenant
            order by
                coalesce(new_customers_who_wrote, 0) desc, coalesce(active_customers, 0) desc,
                coalesce(messages_in, 0) desc, channel_id
        ) as place
    from volumes
    full join beginnings using (tenant_id, channel_id, grain, period_start)
    full join writers using (tenant_id, channel_id, grain, period_start)
    full join waits using (tenant_id, channel_id, grain, period_start)
    /* touched: semi join touched_periods using (tenant_id, grain, period_start) */
    window tenant as (partition by tenant_id, grain, period_start)
)

select
    tenant_id::varchar                          as tenant_id,                -- the business
    channel_id::varchar                         as channel_id,               -- the inbox
    grain::varchar                              as grain,                    -- day, week or month
    period_start::date                          as period_start,             -- its first day, in the tenant's calendar
    coalesce(new_customers, 0)::bigint          as new_customers,            -- living now whose first contact this channel was, then
    coalesce(new_customers_who_wrote, 0)::bigint as new_customers_who_wrote,  -- of these, who have written
    if(new_customers_of_all > 0, coalesce(new_customers, 0) / new_customers_of_all, null)::double as share_of_first_contacts,  -- of the tenant's new customers then; null where there were none
    coalesce(active_customers, 0)::bigint       as active_customers,         -- who wrote on this channel then
    coalesce(messages_in, 0)::bigint            as messages_in,              -- from people
    coalesce(messages_out, 0)::bigint           as messages_out,             -- to people
    coalesce(conversations_opened_by_people, 0)::bigint   as conversations_opened_by_people,    -- begun by a person's message
    coalesce(conversations_opened_by_business, 0)::bigint as conversations_opened_by_business,  -- begun by ours
    coalesce(first_responses, 0)::bigint        as first_responses,          -- answers to messages that opened a conversation then
    coalesce(unanswered, 0)::bigint             as unanswered,               -- such messages without an answer yet
    first[1]::double                            as first_response_median_seconds,  -- null where there was none
    first[2]::double                            as first_response_p90_seconds,     -- null where there was none
    coalesce(in_1_hour, 0)::bigint              as first_responses_in_0_to_1_hours,   -- in less than one
    coalesce(in_4_hours, 0)::bigint             as first_responses_in_1_to_4_hours,   -- one included, four not
    coalesce(in_8_hours, 0)::bigint             as first_responses_in_4_to_8_hours,   -- four included, eight not
    coalesce(in_24_hours, 0)::bigint            as first_responses_in_8_to_24_hours,  -- eight included, 24 not
    coalesce(later, 0)::bigint                  as first_responses_after_24_hours,    -- 24 and more
    coalesce(replies, 0)::bigint                as replies,                  -- answers, the first ones included, to waits that began then
    any_reply[1]::double                        as reply_median_seconds,     -- null where there was none
    any_reply[2]::double                        as reply_p90_seconds,        -- null where there was none
    (place = 1 and coalesce(new_customers_who_wrote, 0) > 0)::boolean as is_most_effective,  -- whether it brought most of the new customers who wrote; of equals, the one with more active customers, then messages
from together
