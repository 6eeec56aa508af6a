-- Two indexes carry one column more, so that an audit reads stock and histories without a look at the rows.

drop index stock_movements_by_product;
create index stock_movements_by_product on stock_movements (product_id, id, change);

drop index order_events_by_order;
create index order_events_by_order on order_events (order_id, id, event);
